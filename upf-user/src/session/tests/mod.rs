//! Tests of the session room.

mod addresses;
mod applications;
mod chaos;
mod endpoints;
mod hostile;
mod limits;
mod profiles;
mod random;
mod refusals;
mod requests;
mod restoration;
mod rules;
mod times;
mod views;
mod world;
