//! Tests of the session room.

mod chaos;
mod copies;
mod end_markers;
mod features;
mod framed;
mod hostile;
mod lists;
mod profiles;
mod refusals;
mod requests;
mod shared_meters;
mod tunnels;
mod ue_pools;
mod views;
mod world;
