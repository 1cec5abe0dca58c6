//! The relay against real stores: committed revocations reach Redis, whatever fails on the way.

mod breaking;
mod epochs;
mod handover;
mod new_first;
mod order;
mod publishing;
mod relay;
mod role_map;
mod trimming;
