//! The relay against real stores: what is committed reaches Redis, whatever breaks on the way.

mod breaking;
mod epochs;
mod publishing;
mod relay;
mod role_map;
mod trimming;
