//! Stations of this part.
