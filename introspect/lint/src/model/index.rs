//! Where the `index` files of a location lead.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::model::places::{PlaceKind, Places};
use crate::model::uri::Uri;

/// For each name of an index file the locations that handle it, by the folder of the request.
#[derive(Debug, Default)]
pub(crate) struct IndexFiles<'c> {
    known: HashMap<&'c str, Rc<BTreeMap<String, Vec<usize>>>>,
}

impl<'c> IndexFiles<'c> {
    /// The locations, besides those of regular expressions, that the file in a folder of `location` can lead to.
    pub(crate) fn targets(&mut self, places: &Places<'c>, location: usize, file: &'c str) -> Vec<usize> {
        let scope = &places.get(location).scope;
        if scope.is_exact() && !file.contains('$') {
            return places.candidates(&Uri::Whole(format!("{}{file}", scope.path()))).to_vec();
        }
        let folders = Rc::clone(self.known.entry(file).or_insert_with(|| Rc::new(folders(places, file))));
        // A regular expression may match any folder, and a server without a location too.
        let begin = if scope.is_prefix() { scope.path() } else { "" };
        let inside = folders.range(begin.to_owned()..).take_while(|(folder, _)| folder.starts_with(begin));
        let found = inside.flat_map(|(_, found)| found.iter().copied());
        found.filter(|found| *found != location).collect()
    }
}

/// The locations that begin within the name of the file, by the folder before it. A location that ends with the folder would have
/// handled the request for the folder itself.
fn folders(places: &Places<'_>, file: &str) -> BTreeMap<String, Vec<usize>> {
    let mut folders: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let is_known = |place: usize| {
        let scope = &places.get(place).scope;
        scope.is_prefix() || scope.is_exact()
    };
    let locations =
        places.all().filter(|(index, place)| place.kind == PlaceKind::Location && is_known(*index));
    for (index, place) in locations {
        let path = place.scope.path();
        for (slash, _) in path.match_indices('/') {
            let (folder, rest) = path.split_at(slash + 1);
            if !rest.is_empty() && (file.starts_with(rest) || file.contains('$')) {
                folders.entry(folder.to_owned()).or_default().push(index);
            }
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rule::RuleSet;
    use crate::scope::Scope;
    use crate::tree;

    #[test]
    fn an_index_file_leads_where_its_uri_does() {
        let server = "location /t/ { } location /t/films/ { } location = /t/index.html { } location = /u/ { } location /u/ { }";
        let tree = tree::parse("/n", 0, &format!("server {{ {server} }}")).unwrap();
        let places = Places::new(&Scope::outermost(&tree[0]), RuleSet::ALL);
        let mut files = IndexFiles::default();
        for (location, file, expected) in [
            (1, "films/a.html", &[2][..]),
            (1, "index.html", &[3]),
            (1, "list.html", &[]),
            (2, "index.html", &[]),
            (4, "index.html", &[5]),
            (1, "$x.html", &[2, 3]),
        ] {
            let mut found = files.targets(&places, location, file);
            found.sort_unstable();
            assert_eq!(found, expected, "{location} {file}");
        }
    }
}
