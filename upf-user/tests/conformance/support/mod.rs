//! What the tables are written with.

pub(crate) mod answer;
mod describe;
pub(crate) mod ie;
pub(crate) mod message;
pub(crate) mod requests;
pub(crate) mod row;
pub(crate) mod types;
pub(crate) mod world;

pub(crate) mod prelude {
    pub(crate) use super::answer::*;
    pub(crate) use super::ie::*;
    pub(crate) use super::message::{Msg, Seid};
    pub(crate) use super::requests::*;
    pub(crate) use super::row::*;
    pub(crate) use super::types::*;
    pub(crate) use super::world::{other, smf};
}
