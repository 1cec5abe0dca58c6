//! A search through every state that can be reached, breadth first.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, Hash};

use foldhash::{fast, quality};

/// What can be searched.
pub trait SearchedModel {
    /// The state of everything.
    type State: Clone + Hash;
    /// What can happen next.
    type Action: Copy;

    /// Everything that can happen in this state.
    fn actions(&self, state: &Self::State) -> Vec<Self::Action>;

    /// The state after it, or what it broke.
    ///
    /// # Errors
    ///
    /// A sentence about the promise that does not hold.
    fn after(&self, state: &Self::State, action: Self::Action) -> Result<Self::State, &'static str>;

    /// The name under which the action is counted.
    fn name(&self, action: Self::Action) -> &'static str;
}

/// What was found.
#[derive(Debug)]
pub struct SearchOutcome {
    /// Distinct states.
    pub states: usize,
    /// How often each action led from a state to another, by name.
    pub firings: HashMap<&'static str, u64>,
    /// The first promise that did not hold, with the actions that lead to it.
    pub broken: Option<(&'static str, Vec<&'static str>)>,
}

/// Searches from `first`, until a promise is broken or every state was seen. Two states are the same if a hash of 64 bits
/// is: of ten million, two that differ are taken for one with a probability below one to a hundred thousand.
pub fn search<M: SearchedModel>(model: &M, first: M::State) -> SearchOutcome {
    let hasher = quality::FixedState::default();
    let mut seen = HashSet::<u64, fast::FixedState>::default();
    seen.insert(hasher.hash_one(&first));
    let mut origins: Vec<(usize, &'static str)> = vec![(0, "begin")];
    let mut firings = HashMap::new();
    let mut next = VecDeque::from([(0, first)]);
    while let Some((number, state)) = next.pop_front() {
        for action in model.actions(&state) {
            let name = model.name(action);
            let after = match model.after(&state, action) {
                Ok(after) => after,
                Err(promise) => {
                    let mut way = way(&origins, number);
                    way.push(name);
                    return SearchOutcome { states: origins.len(), firings, broken: Some((promise, way)) };
                }
            };
            *firings.entry(name).or_default() += 1;
            if seen.insert(hasher.hash_one(&after)) {
                next.push_back((origins.len(), after));
                origins.push((number, name));
            }
        }
    }
    SearchOutcome { states: origins.len(), firings, broken: None }
}

/// The actions that lead to a state.
fn way(origins: &[(usize, &'static str)], mut number: usize) -> Vec<&'static str> {
    let mut way = Vec::new();
    while let Some((before, name)) = origins.get(number).filter(|_| number > 0) {
        way.push(*name);
        number = *before;
    }
    way.reverse();
    way
}
