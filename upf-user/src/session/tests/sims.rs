//! Limits of SIMs and customers.
