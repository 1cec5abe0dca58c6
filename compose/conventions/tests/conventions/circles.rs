//! No crate has a circle of dependencies between files or between folders.

use std::collections::BTreeMap;
use std::path::Path;

use petgraph::algo::{greedy_feedback_arc_set, tarjan_scc};
use petgraph::graphmap::DiGraphMap;
use petgraph::visit::EdgeRef as _;

use crate::arrows::{Arrow, arrows, module_of};
use crate::modules::{ModulePath, trees};
use crate::workspace::{self, Package, packages};

#[test]
fn files_form_no_circle() {
    let mut found = String::new();
    for package in packages() {
        let arrows = arrows(&trees(&package));
        let pairs = arrows.iter().map(|arrow| (workspace::shown(&arrow.from), workspace::shown(&arrow.to)));
        found += &shown(&circles(&pairs.collect::<Vec<_>>()), &arrows);
    }
    assert!(found.is_empty(), "circles between files:\n{found}");
}

#[test]
fn folders_form_no_circle() {
    let mut found = Vec::new();
    for package in packages() {
        for (level, pairs) in levels(&package) {
            let inside = [std::slice::from_ref(&package.name), level.as_slice()].concat().join("::");
            found.extend(circles(&pairs).iter().map(|circle| format!("in {inside}: {}", circle.join(", "))));
        }
    }
    assert!(found.is_empty(), "circles between modules and all below them:\n{}", found.join("\n"));
}

#[test]
fn a_circle_of_three_is_found() {
    let pairs = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("e", "a")];
    let pairs: Vec<_> = pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
    assert_eq!(circles(&pairs), [["a", "b", "c"]]);
}

/// Which module depends on which neighbour, by their parent module.
fn levels(package: &Package) -> BTreeMap<ModulePath, Vec<(String, String)>> {
    let trees = trees(package);
    let mut levels: BTreeMap<ModulePath, Vec<(String, String)>> = BTreeMap::new();
    for arrow in arrows(&trees) {
        let (from, to) = (module_of(&trees, &arrow.from).unwrap(), module_of(&trees, &arrow.to).unwrap());
        let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
        if let (Some(one), Some(other)) = (from.get(common), to.get(common)) {
            levels.entry(from[..common].to_vec()).or_default().push((one.clone(), other.clone()));
        }
    }
    levels
}

/// The sets of nodes that reach each other, each sorted.
fn circles(pairs: &[(String, String)]) -> Vec<Vec<String>> {
    let edges = pairs.iter().map(|(from, to)| (from.as_str(), to.as_str()));
    let graph: DiGraphMap<&str, ()> = DiGraphMap::from_edges(edges);
    let loops = tarjan_scc(&graph).into_iter().filter(|nodes| nodes.len() > 1);
    let mut loops: Vec<Vec<String>> = loops
        .map(|mut nodes| {
            nodes.sort_unstable();
            nodes.into_iter().map(str::to_owned).collect()
        })
        .collect();
    loops.sort();
    loops
}

/// The files of each circle, and dependencies without which there would be none: a first place to look.
fn shown(circles: &[Vec<String>], arrows: &[Arrow]) -> String {
    let mut lines = String::new();
    for circle in circles {
        let name = |path: &Path| circle.iter().position(|file| *file == workspace::shown(path));
        let ends = |arrow: &Arrow| Some((name(&arrow.from)?, name(&arrow.to)?));
        let inside: Vec<_> = arrows.iter().filter_map(|arrow| Some((ends(arrow)?, arrow))).collect();
        let graph =
            DiGraphMap::<usize, ()>::from_edges(inside.iter().map(|(ends, _)| *ends)).into_graph::<u32>();
        let cuts: Vec<_> = greedy_feedback_arc_set(&graph)
            .map(|edge| (graph[edge.source()], graph[edge.target()]))
            .collect();
        lines += &format!("{} files, such as {}; cut:\n", circle.len(), circle[0]);
        lines.extend(
            inside.iter().filter(|(ends, _)| cuts.contains(ends)).map(|(_, arrow)| format!("  {arrow}\n")),
        );
    }
    lines
}
