//! Tests of the session room.

mod chaos;
mod profiles;
mod refusals;
mod requests;
mod views;
mod world;
