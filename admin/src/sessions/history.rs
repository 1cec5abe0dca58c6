//! Who signed in, from where, and who tried.

mod calendar;
