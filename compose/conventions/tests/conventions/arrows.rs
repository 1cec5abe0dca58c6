//! Which file names items of which other file: by `use`, by a path in the code, or in a macro's arguments.
//!
//! A `mod` line does not count: a file that only declares its modules does not depend on them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::code::{Code, Named, read};
use crate::modules::{ModulePath, Tree};
use crate::workspace::shown;

/// A dependency: one file names an item of another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrow {
    pub(crate) from: PathBuf,
    pub(crate) to: PathBuf,
    /// The first line with such a name, and the name.
    pub(crate) line: usize,
    pub(crate) names: String,
}

/// The dependencies between the files of a crate; the first occurrence for each pair of files.
pub(crate) fn arrows(trees: &[Tree]) -> Vec<Arrow> {
    let codes: Vec<Vec<Code>> = trees
        .iter()
        .map(|tree| tree.files.iter().map(|(module, _, file)| read(module, file)).collect())
        .collect();
    let map = Map::new(trees, &codes);
    let mut first = BTreeMap::new();
    for (index, (tree, codes)) in trees.iter().zip(&codes).enumerate() {
        for ((_, path, _), code) in tree.files.iter().zip(codes) {
            for named in &code.names {
                let Some(to) = map.file_of(index, named, 0) else { continue };
                if to != *path {
                    let names = named.segments.join("::");
                    let arrow = Arrow { from: path.clone(), to: to.clone(), line: named.line, names };
                    first.entry((path.clone(), to)).or_insert(arrow);
                }
            }
        }
    }
    first.into_values().collect()
}

impl std::fmt::Display for Arrow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { from, to, line, names } = self;
        write!(formatter, "{}:{line} names `{names}` of {}", shown(from), shown(to))
    }
}

/// Resolves paths to files.
struct Map<'a> {
    trees: &'a [Tree],
    /// Re-exports (`pub use`), by tree, module and name.
    exports: BTreeMap<(usize, ModulePath, String), Named>,
}

impl<'a> Map<'a> {
    fn new(trees: &'a [Tree], codes: &[Vec<Code>]) -> Self {
        let mut exports = BTreeMap::new();
        for (index, codes) in codes.iter().enumerate() {
            for (module, name, named) in codes.iter().flat_map(|code| &code.exports) {
                exports.insert((index, module.clone(), name.clone()), named.clone());
            }
        }
        Self { trees, exports }
    }

    /// The file of the innermost module on a path, if it belongs to the crate. A name that a module only
    /// re-exports leads to its origin.
    fn file_of(&self, tree: usize, named: &Named, steps: usize) -> Option<PathBuf> {
        assert!(steps < 32, "names are re-exported in a circle: {named:?}");
        let (tree, mut module, mut rest) = self.root_of(tree, named)?;
        let modules = &self.trees[tree].modules;
        while let Some((segment, after)) = rest.split_first() {
            let below = [module.as_slice(), std::slice::from_ref(segment)].concat();
            match segment.as_str() {
                "super" => drop(module.pop()),
                _ if modules.contains_key(&below) => module = below,
                _ => {
                    // A macro is re-exported where it is defined, under its own name.
                    let is_other =
                        |meant: &&Named| meant.module != module || meant.segments != [segment.clone()];
                    let export = self.exports.get(&(tree, module.clone(), segment.clone()));
                    if let Some(meant) = export.filter(is_other) {
                        let segments = [&meant.segments, after].concat();
                        let meant = Named { segments, ..meant.clone() };
                        return self
                            .file_of(tree, &meant, steps + 1)
                            .or_else(|| modules.get(&module).cloned());
                    }
                    break;
                }
            }
            rest = after;
        }
        modules.get(&module).cloned()
    }

    /// The tree and module in which a path begins, and the rest of the path.
    fn root_of<'n>(&self, tree: usize, named: &'n Named) -> Option<(usize, ModulePath, &'n [String])> {
        let (first, rest) = named.segments.split_first()?;
        let library = self.trees.iter().position(|tree| tree.library.as_ref() == Some(first));
        match (first.as_str(), library) {
            ("crate", _) => Some((tree, Vec::new(), rest)),
            ("self", _) => Some((tree, named.module.clone(), rest)),
            ("super", _) => Some((tree, named.module.clone(), &named.segments)),
            (_, Some(library)) if library != tree => Some((library, Vec::new(), rest)),
            _ => {
                let child = [named.module.as_slice(), std::slice::from_ref(first)].concat();
                let is_here = self.trees[tree].modules.contains_key(&child)
                    || self.exports.contains_key(&(tree, named.module.clone(), first.clone()));
                is_here.then(|| (tree, named.module.clone(), named.segments.as_slice()))
            }
        }
    }
}

/// The module of a file, for the check of folders.
pub(crate) fn module_of(trees: &[Tree], path: &Path) -> Option<ModulePath> {
    let all = trees.iter().flat_map(|tree| &tree.files);
    all.into_iter().find(|(_, file, _)| file == path).map(|(module, ..)| module.clone())
}
