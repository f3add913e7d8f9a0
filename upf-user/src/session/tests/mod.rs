//! Tests of the session room.

mod chaos;
mod hostile;
mod profiles;
mod refusals;
mod requests;
mod views;
mod world;
