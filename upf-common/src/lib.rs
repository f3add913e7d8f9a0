//! upf-common
