//! The modules of a crate and the file of each, without code that is compiled only for tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::{Attribute, Item, Meta};

use crate::workspace::{Package, shown};

/// A path of modules below a crate's root, which itself is empty.
pub(crate) type ModulePath = Vec<String>;

/// The modules below one root: a library or a program.
pub(crate) struct Tree {
    /// The name under which other roots of the same crate import it; only a library has one.
    pub(crate) library: Option<String>,
    /// The file of each module. An inline module has the file that contains it.
    pub(crate) modules: BTreeMap<ModulePath, PathBuf>,
    /// The parsed files, each under the path of its own module.
    pub(crate) files: Vec<(ModulePath, PathBuf, syn::File)>,
}

/// The trees of a crate; a library comes first.
pub(crate) fn trees(package: &Package) -> Vec<Tree> {
    let name = package.name.replace('-', "_");
    let library = package.library.iter().map(|root| Tree::read(Some(name.clone()), root));
    library.chain(package.programs.iter().map(|root| Tree::read(None, root))).collect()
}

/// The names of the modules that the file of a root declares, without reading their files.
pub(crate) fn modules_of(root: &Path) -> Vec<String> {
    let declared = parse(root).items.into_iter().filter_map(|item| match item {
        Item::Mod(child) if !is_for_tests(&child.attrs) => Some(child.ident.to_string()),
        _ => None,
    });
    declared.collect()
}

fn parse(path: &Path) -> syn::File {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", shown(path)));
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", shown(path)))
}

/// Whether an item is compiled for tests only.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        Meta::NameValue(_) => false,
    })
}

impl Tree {
    fn read(library: Option<String>, root: &Path) -> Self {
        let mut tree = Self { library, modules: BTreeMap::new(), files: Vec::new() };
        tree.read_file(Vec::new(), root, root.parent().unwrap());
        tree
    }

    /// Reads the file of `module`, whose own modules are in `folder`.
    fn read_file(&mut self, module: ModulePath, path: &Path, folder: &Path) {
        let file = parse(path);
        self.read_items(&module, path, folder, &file.items);
        self.files.push((module, path.to_owned(), file));
    }

    fn read_items(&mut self, module: &ModulePath, path: &Path, folder: &Path, items: &[Item]) {
        self.modules.insert(module.clone(), path.to_owned());
        for item in items {
            let Item::Mod(child) = item else { continue };
            if is_for_tests(&child.attrs) {
                continue;
            }
            assert!(
                !child.attrs.iter().any(|attribute| attribute.path().is_ident("path")),
                "{}: a module is where its name says, without #[path]",
                shown(path)
            );
            let name = child.ident.to_string();
            let below = [module.as_slice(), std::slice::from_ref(&name)].concat();
            match &child.content {
                Some((_, items)) => self.read_items(&below, path, &folder.join(&name), items),
                None => self.read_file(below, &folder.join(format!("{name}.rs")), &folder.join(&name)),
            }
        }
    }
}
