//! Tests of the session room.

mod addresses;
mod applications;
mod chaos;
mod copies;
mod end_markers;
mod endings;
mod endpoints;
mod features;
mod forwarding;
mod framed;
mod hostile;
mod limits;
mod lists;
mod passes;
mod profiles;
mod random;
mod refusals;
mod requests;
mod restoration;
mod rules;
mod shared_meters;
mod times;
mod tunnels;
mod ue_pools;
mod views;
mod world;
