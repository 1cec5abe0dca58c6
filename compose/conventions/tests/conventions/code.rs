//! The paths, the string literals and the types in the code of a file.
//!
//! Without tests: items under `#[cfg(test)]` and functions under `#[test]`.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, Lit, LitStr, Macro, UseTree, Visibility};

use crate::modules::{ModulePath, is_for_tests};

/// The content of a file.
#[derive(Debug)]
pub(crate) struct Code {
    /// The paths, of two segments or more.
    pub(crate) names: Vec<Named>,
    /// The names that are re-exported (`pub use`): the module, the new name, and the original path.
    pub(crate) exports: Vec<(ModulePath, String, Named)>,
    /// The string literals, each with its line.
    pub(crate) texts: Vec<(usize, String)>,
    /// The types that it defines.
    pub(crate) types: Vec<TypeName>,
}

/// A struct, an enum, a union, a trait or an alias. An associated type has its name from its trait and is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypeName {
    pub(crate) line: usize,
    pub(crate) name: String,
    /// Whether only its own module knows it. A type that a macro defines counts as private.
    pub(crate) is_private: bool,
}

/// Reads the file of `module`.
pub(crate) fn read(module: &ModulePath, file: &syn::File) -> Code {
    let mut collector = Collector { module: module.clone(), ..Collector::default() };
    collector.visit_file(file);
    let Collector { mut found, aliases, texts, types, exports, idents, .. } = collector;
    // A name that is re-exported and also used here counts as used.
    found
        .extend(exports.iter().filter(|(_, name, _)| idents.contains(name)).map(|(.., named)| named.clone()));
    let whole = |mut named: Named| {
        if let Some(meant) = named.segments.first().and_then(|first| aliases.get(first)) {
            named.segments = [meant, &named.segments[1..]].concat();
        }
        named
    };
    Code { names: found.into_iter().map(whole).collect(), exports, texts, types }
}

/// A path in the code, after the names of `use` were replaced by their paths.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub(crate) line: usize,
    /// The module that contains it.
    pub(crate) module: ModulePath,
    pub(crate) segments: Vec<String>,
}

/// Collects the paths of one file.
#[derive(Debug, Default)]
struct Collector {
    module: ModulePath,
    found: BTreeSet<Named>,
    /// The path behind a name that a `use` of this file imported.
    aliases: BTreeMap<String, Vec<String>>,
    texts: Vec<(usize, String)>,
    types: Vec<TypeName>,
    exports: Vec<(ModulePath, String, Named)>,
    /// The first name of every path.
    idents: BTreeSet<String>,
    /// Whether the current `use` re-exports its names.
    is_export: bool,
}

impl Collector {
    fn note(&mut self, segments: Vec<String>, line: usize) {
        self.found.insert(Named { line, module: self.module.clone(), segments });
    }

    fn note_use(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.note_use(&path.tree, &with(path.ident.to_string())),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.note_use(tree, before)),
            UseTree::Glob(glob) => self.note(before.to_vec(), glob.span().start().line),
            UseTree::Name(name) if name.ident == "self" => {
                self.note_alias(before.last(), before, name.span());
            }
            UseTree::Name(name) => {
                let ident = name.ident.to_string();
                self.note_alias(Some(&ident), &with(ident.clone()), name.span());
            }
            UseTree::Rename(rename) => {
                let segments = match rename.ident.to_string() {
                    ident if ident == "self" => before.to_vec(),
                    ident => with(ident),
                };
                self.note_alias(Some(&rename.rename.to_string()), &segments, rename.span());
            }
        }
    }

    fn note_alias(&mut self, name: Option<&String>, segments: &[String], span: Span) {
        if let Some(name) = name.filter(|_| self.is_export) {
            let (module, line) = (self.module.clone(), span.start().line);
            let named = Named { line, module: module.clone(), segments: segments.to_vec() };
            self.exports.push((module, name.clone(), named));
            return;
        }
        self.note(segments.to_vec(), span.start().line);
        // `use crate::x as y` has the same meaning in the whole file; `use x::{self}` of another crate does no
        // harm.
        if let Some(name) = name.filter(|_| segments.len() > 1) {
            self.aliases.insert(name.clone(), segments.to_vec());
        }
    }

    fn note_type(&mut self, ident: &Ident, visibility: &Visibility) {
        let is_private = matches!(visibility, Visibility::Inherited);
        self.types.push(TypeName { line: ident.span().start().line, name: ident.to_string(), is_private });
    }

    /// The types that a macro defines: in its text, or by the name that is its argument.
    fn note_types_of(&mut self, item: &Macro) {
        let mut tokens = Vec::new();
        flatten(item.tokens.clone(), 0, &mut tokens);
        let declares = DECLARING.iter().any(|name| item.path.is_ident(name));
        for pair in tokens.windows(2) {
            let [(depth, one), (_, next)] = pair else { continue };
            match (one, next) {
                (TokenTree::Ident(keyword), TokenTree::Ident(ident))
                    if ["struct", "enum", "union", "trait"].iter().any(|known| keyword == known) =>
                {
                    self.note_type(ident, &Visibility::Inherited);
                }
                (TokenTree::Ident(ident), next) if declares && *depth == 0 && is_end_of_name(next) => {
                    self.note_type(ident, &Visibility::Inherited);
                }
                _ => {}
            }
        }
    }

    /// Paths in a macro's arguments, which are tokens without a defined meaning.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut segments: Vec<String> = Vec::new();
        let (mut line, mut colons) = (0, 0);
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    if colons != 2 || segments.is_empty() {
                        self.note_path(std::mem::take(&mut segments), line);
                        line = ident.span().start().line;
                    }
                    segments.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.note_path(std::mem::take(&mut segments), line);
                    colons = 0;
                    self.note_other(other);
                }
            }
        }
        self.note_path(segments, line);
    }

    fn note_other(&mut self, token: TokenTree) {
        match token {
            TokenTree::Group(group) => {
                assert_ne!(group.delimiter(), Delimiter::None, "no file is made by a macro");
                self.note_tokens(group.stream());
            }
            TokenTree::Literal(literal) => {
                if let Lit::Str(text) = Lit::new(literal) {
                    self.visit_lit_str(&text);
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }

    fn note_path(&mut self, segments: Vec<String>, line: usize) {
        self.idents.extend(segments.first().cloned());
        if segments.len() > 1 {
            self.note(segments, line);
        }
    }
}

/// Our macros that define a type for each name in their arguments, which is followed by a comma or by braces.
const DECLARING: &[&str] = &["text_type", "labels"];

fn is_end_of_name(token: &TokenTree) -> bool {
    match token {
        TokenTree::Punct(punct) => punct.as_char() == ',',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    }
}

/// All tokens in their order, each with the number of groups around it.
fn flatten(tokens: TokenStream, depth: usize, all: &mut Vec<(usize, TokenTree)>) {
    for token in tokens {
        all.push((depth, token.clone()));
        if let TokenTree::Group(group) = token {
            flatten(group.stream(), depth + 1, all);
        }
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            Item::Const(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
            Item::Type(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            // A module with its own file is read from that file.
            Item::Mod(item) if item.content.is_none() => return,
            Item::Mod(item) => &item.attrs,
            _ => &[],
        };
        if is_for_tests(attributes) {
            return;
        }
        match item {
            Item::Enum(item) => self.note_type(&item.ident, &item.vis),
            Item::Struct(item) => self.note_type(&item.ident, &item.vis),
            Item::Trait(item) => self.note_type(&item.ident, &item.vis),
            Item::Type(item) => self.note_type(&item.ident, &item.vis),
            Item::Union(item) => self.note_type(&item.ident, &item.vis),
            Item::Macro(item) => self.note_types_of(&item.mac),
            _ => {}
        }
        if let Item::Mod(inner) = item {
            self.module.push(inner.ident.to_string());
            visit::visit_item(self, item);
            self.module.pop();
        } else {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let is_test = matches!(item, ImplItem::Fn(function) if is_for_tests(&function.attrs));
        if !is_test {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.is_export = !matches!(item.vis, Visibility::Inherited);
        self.note_use(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note_path(segments, path.span().start().line);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.note_tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    fn visit_lit_str(&mut self, text: &'ast LitStr) {
        self.texts.push((text.span().start().line, text.value()));
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.note_tokens(list.tokens.clone());
        }
    }

    // `pub(in crate::x)` limits visibility and is not a dependency.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}
