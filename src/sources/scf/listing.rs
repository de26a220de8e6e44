//! Listings that come in pages: namespaces and functions.

use super::api::Api;
use super::glob;
use super::settings::Settings;
use super::wire::{Function, FunctionsRequest, Namespace, NamespacesRequest};
use crate::model::{Label, Timestamp};
use crate::sources::lenient::{Field, List};
use crate::transport::Error;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Rows asked for in one page. No maximum is documented; a server that gives fewer is asked again.
pub(super) const PAGE: u32 = 100;

/// More pages than any account has; an API that never ends a listing is not read for ever.
const MOST_PAGES: u32 = 1000;

/// How long a namespace's functions are not asked for again. Well below the overlap of the polls, so that what a new
/// function ran before it was noticed is still read.
pub(super) const FRESH: Duration = Duration::from_secs(300);

/// A function that was listed or configured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Listed {
    /// Its name.
    pub(super) name: String,
    /// Its runtime, empty where not told.
    pub(super) runtime: Label,
    /// Whether the configuration names it, so that its absence is worth a word.
    pub(super) configured: bool,
}

/// The names of every namespace.
pub(super) async fn namespaces(api: &dyn Api) -> Result<Vec<String>, Error> {
    let mut listing = Listing::<Namespace>::default();
    while let Some(offset) = listing.wants() {
        let answer = api.namespaces(&NamespacesRequest { offset, limit: PAGE }).await?;
        listing.add(&answer.total_count, answer.namespaces, |namespace| namespace.name.text())?;
    }
    listing.finish().map(|found| found.into_keys().collect())
}

/// Every function of a namespace, by name.
async fn functions(api: &dyn Api, namespace: &str) -> Result<BTreeMap<String, Function>, Error> {
    let mut listing = Listing::<Function>::default();
    while let Some(offset) = listing.wants() {
        let request = FunctionsRequest { namespace: namespace.to_owned(), offset, limit: PAGE };
        let answer = api.functions(&request).await?;
        listing.add(&answer.total_count, answer.functions, |function| function.function_name.text())?;
    }
    listing.finish()
}

/// What was listed of a namespace, and until when it holds.
type Fresh = (Timestamp, Arc<[Listed]>);

/// The functions to read, remembered for a while.
#[derive(Default)]
pub(super) struct Catalogue {
    known: Mutex<HashMap<String, Fresh>>,
}

impl Catalogue {
    /// The functions of `namespace` that `settings` ask for.
    pub(super) async fn wanted(
        &self,
        api: &dyn Api,
        settings: &Settings,
        namespace: &str,
        now: Timestamp,
    ) -> Result<Arc<[Listed]>, Error> {
        if let Some((until, listed)) =
            self.known.lock().unwrap_or_else(PoisonError::into_inner).get(namespace)
            && now < *until
        {
            return Ok(Arc::clone(listed));
        }
        let found = match settings.lists_functions() {
            true => functions(api, namespace).await?,
            false => BTreeMap::new(),
        };
        let listed: Arc<[Listed]> = choose(&settings.functions, &found).into();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(namespace.to_owned(), (now.plus(FRESH), Arc::clone(&listed)));
        Ok(listed)
    }
}

/// The functions named by `wanted`, whether listed or not, and the listed ones that it describes; each once.
fn choose(wanted: &[String], found: &BTreeMap<String, Function>) -> Vec<Listed> {
    let runtime = |name: &str| {
        found.get(name).map_or_else(Label::empty, |function| Label::new(function.runtime.text()))
    };
    let mut chosen = BTreeMap::new();
    for pattern in wanted {
        if !glob::is_pattern(pattern) {
            chosen.insert(pattern.as_str(), true);
            continue;
        }
        for name in found.keys().filter(|name| glob::matches(pattern, name)) {
            chosen.entry(name.as_str()).or_insert(false);
        }
    }
    chosen
        .into_iter()
        .map(|(name, configured)| Listed { name: name.to_owned(), runtime: runtime(name), configured })
        .collect()
}

/// A listing being read page by page.
struct Listing<T> {
    found: BTreeMap<String, T>,
    offset: u32,
    pages: u32,
    done: bool,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self { found: BTreeMap::new(), offset: 0, pages: 0, done: false }
    }
}

impl<T> Listing<T> {
    /// The offset of the next page, `None` when there is none.
    fn wants(&self) -> Option<u32> {
        (!self.done && self.pages < MOST_PAGES).then_some(self.offset)
    }

    fn add(
        &mut self,
        total: &Field<i64>,
        page: Field<List<T>>,
        name: impl Fn(&T) -> &str,
    ) -> Result<(), Error> {
        let page = match page {
            Field::Value(page) => page,
            // Taken for "there are none", it would end every cell, or every task of one.
            Field::Absent if total.get() != Some(&0) => {
                return Err(Error::Decode("a listing without its list".into()));
            }
            Field::Absent => List::new(),
            Field::Malformed => return Err(Error::Decode("a listing that is no list".into())),
        };
        let (known, rows) = (self.found.len(), u32::try_from(page.len()).unwrap_or(u32::MAX));
        for row in page {
            let Field::Value(row) = row else { continue };
            let name = name(&row).to_owned();
            if !name.is_empty() {
                self.found.entry(name).or_insert(row);
            }
        }
        self.pages += 1;
        self.offset = self.offset.saturating_add(rows);
        let complete = total.get().is_some_and(|total| i64::from(self.offset) >= *total);
        // A page that shows nothing new is the last one repeated: its API takes no offset.
        self.done = complete || rows == 0 || self.found.len() == known;
        Ok(())
    }

    fn finish(self) -> Result<BTreeMap<String, T>, Error> {
        match self.done {
            true => Ok(self.found),
            false => Err(Error::Decode(format!("a listing of more than {MOST_PAGES} pages"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(names: &[&str]) -> Field<List<Function>> {
        let function = |name: &&str| {
            Field::Value(Function { function_name: Field::Value((*name).into()), ..Function::default() })
        };
        Field::Value(names.iter().map(function).collect())
    }

    #[test]
    fn a_listing_goes_on_as_long_as_something_new_comes() {
        let name = |function: &Function| function.function_name.text().to_owned();
        let mut listing = Listing::default();
        for (names, total, next) in [
            (&["a", "b"][..], Field::Value(5), Some(2)),
            (&["c"], Field::Value(5), Some(3)),
            (&["d", "e"], Field::Absent, Some(5)),
            (&["d", "e"], Field::Absent, None),
        ] {
            listing.add(&total, page(names), |function| function.function_name.text()).unwrap();
            assert_eq!(listing.wants(), next, "{names:?}");
        }
        let found = listing.finish().unwrap();
        assert_eq!(found.values().map(name).collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn a_listing_without_a_list_is_empty_only_where_it_says_so() {
        for (total, page, read) in [
            (Field::Absent, Field::Absent, false),
            (Field::Malformed, Field::Absent, false),
            (Field::Value(3), Field::Absent, false),
            (Field::Value(0), Field::Absent, true),
            (Field::Absent, page(&[]), true),
            (Field::Value(0), Field::Malformed, false),
        ] {
            let mut listing = Listing::<Function>::default();
            let shown = format!("{total:?} {page:?}");
            let added = listing.add(&total, page, |function| function.function_name.text());
            assert_eq!(added.is_ok(), read, "{shown}");
            assert!(!read || listing.finish().unwrap().is_empty(), "{shown}");
        }
    }

    #[test]
    fn names_need_no_listing_and_globs_choose_from_it() {
        let mut found = BTreeMap::new();
        for name in ["report-a", "report-b", "other"] {
            let runtime = Field::Value("Python3.9".into());
            found.insert(name.to_owned(), Function { runtime, ..Function::default() });
        }
        let chosen = choose(&["report-*".into(), "report-a".into(), "elsewhere".into()], &found);
        let shown: Vec<_> = chosen.iter().map(|f| (f.name.as_str(), &*f.runtime, f.configured)).collect();
        assert_eq!(
            shown,
            [("elsewhere", "", true), ("report-a", "Python3.9", true), ("report-b", "Python3.9", false)]
        );
    }
}
