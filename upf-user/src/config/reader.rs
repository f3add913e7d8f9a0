//! Reads a TOML document key by key and remembers the place of everything that is wrong.
//!
//! Every problem is collected, so one run of `upf check` names them all. A key that nobody asked
//! for is unknown, and unknown keys are problems too.

use std::cell::RefCell;
use std::fmt;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

/// Something wrong with the file, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, counted from 1.
    pub line: usize,
    /// Dotted key, with the index of an array's table: `interface[1].gtpu`. Empty where the
    /// file as a whole is meant.
    pub key: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}: {}", self.line, self.message)
        } else {
            write!(f, "{}: {}: {}", self.line, self.key, self.message)
        }
    }
}

/// Where a key stands.
#[derive(Debug, Clone)]
pub(super) struct Place {
    line: usize,
    key: String,
}

/// A parsed file and the problems found in it so far.
pub(super) struct Document<'a> {
    source: &'a str,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Document<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            source,
            problems: RefCell::default(),
        }
    }

    /// Parses the source; errors of syntax become problems.
    pub(super) fn parse(&self) -> Spanned<DeTable<'a>> {
        let (table, errors) = DeTable::parse_recoverable(self.source);
        for error in errors {
            let line = error.span().map_or(1, |span| self.line_at(span.start));
            let message = format!(
                "{}; correct the TOML syntax",
                error.message().replace('\n', ", ")
            );
            self.problem(
                &Place {
                    line,
                    key: self.key_on(line),
                },
                message,
            );
        }
        table
    }

    pub(super) fn problem(&self, place: &Place, message: impl Into<String>) {
        self.problems.borrow_mut().push(Problem {
            line: place.line,
            key: place.key.clone(),
            message: message.into(),
        });
    }

    /// The problems in the order of the file.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line);
        problems
    }

    fn line_at(&self, offset: usize) -> usize {
        let before = self.source.as_bytes().iter().take(offset);
        before.filter(|byte| **byte == b'\n').count() + 1
    }

    /// The key that a line starts with, for errors of syntax, which have no tree yet.
    fn key_on(&self, line: usize) -> String {
        let text = self
            .source
            .lines()
            .nth(line.saturating_sub(1))
            .unwrap_or_default();
        match text.split_once('=') {
            Some((key, _)) => key.trim().to_owned(),
            None => text.trim().trim_matches(['[', ']']).to_owned(),
        }
    }
}

/// One table of the file: the whole document, `[node]`, or one of several `[[interface]]`.
#[derive(Clone)]
pub(super) struct Section<'a> {
    document: &'a Document<'a>,
    table: &'a DeTable<'a>,
    place: Place,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    pub(super) fn root(document: &'a Document<'a>, table: &'a Spanned<DeTable<'a>>) -> Self {
        let place = Place {
            line: 1,
            key: String::new(),
        };
        Self {
            document,
            table: table.get_ref(),
            place,
            known: RefCell::default(),
        }
    }

    /// `[key]`, which has to be there.
    pub(super) fn section(&self, key: &'static str) -> Option<Self> {
        let section = self.optional_section(key);
        if section.is_none() && self.find(key).is_none() {
            self.problem(key, format!("the section is missing; add [{key}]"));
        }
        section
    }

    /// `[key]`, which may be absent.
    pub(super) fn optional_section(&self, key: &'static str) -> Option<Self> {
        let value = self.find(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(self.inner(table, self.place_of(key))),
            other => {
                self.wrong_type(&self.place_of(key), other, "a section", &format!("[{key}]"));
                None
            }
        }
    }

    /// Every `[[key]]`, in the order of the file.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.find(key) else {
            return Vec::new();
        };
        let DeValue::Array(array) = value.get_ref() else {
            let place = self.place_of(key);
            self.wrong_type(
                &place,
                value.get_ref(),
                "a list of sections",
                &format!("[[{key}]]"),
            );
            return Vec::new();
        };
        array
            .iter()
            .enumerate()
            .filter_map(|(index, item)| self.nth(key, index, item))
            .collect()
    }

    /// Every `[key.name]`, in the order of the file.
    pub(super) fn named_sections(&self, key: &'static str) -> Vec<(&'a str, Self)> {
        let Some(value) = self.find(key) else {
            return Vec::new();
        };
        let DeValue::Table(table) = value.get_ref() else {
            let (place, example) = (self.place_of(key), format!("[{key}.\"name\"]"));
            self.wrong_type(&place, value.get_ref(), "sections with names", &example);
            return Vec::new();
        };
        let named = table.iter();
        let mut named: Vec<_> = named
            .filter_map(|(name, item)| {
                Some((name.get_ref().as_ref(), self.named(key, name, item)?))
            })
            .collect();
        named.sort_by_key(|(_, section)| section.place.line);
        named
    }

    fn named(
        &self,
        key: &str,
        name: &Spanned<DeString<'a>>,
        item: &'a Spanned<DeValue<'a>>,
    ) -> Option<Self> {
        let line = self.document.line_at(name.span().start);
        let name = name.get_ref();
        let place = |key| Place { line, key };
        let section = format!("{key}.\"{name}\"");
        let DeValue::Table(table) = item.get_ref() else {
            let example = format!("[{section}]");
            self.wrong_type(&place(section), item.get_ref(), "a section", &example);
            return None;
        };
        // TOML takes the dots of a name without quotation marks for sections in sections.
        let inner = |(inner, value): (&Spanned<DeString<'a>>, &Spanned<DeValue<'a>>)| {
            let is_section = matches!(value.get_ref(), DeValue::Table(_));
            is_section.then(|| inner.get_ref().to_string())
        };
        if let Some(rest) = table.iter().find_map(inner) {
            let message =
                format!("a name with dots needs quotation marks; write [{key}.\"{name}.{rest}\"]");
            self.document.problem(&place(section), message);
            return None;
        }
        Some(self.inner(table, place(section)))
    }

    fn nth(&self, key: &str, index: usize, item: &'a Spanned<DeValue<'a>>) -> Option<Self> {
        let line = self.document.line_at(item.span().start);
        let place = Place {
            line,
            key: format!("{key}[{index}]"),
        };
        match item.get_ref() {
            DeValue::Table(table) => Some(self.inner(table, place)),
            other => {
                self.wrong_type(&place, other, "a section", &format!("[[{key}]]"));
                None
            }
        }
    }

    fn inner(&self, table: &'a DeTable<'a>, place: Place) -> Self {
        Self {
            document: self.document,
            table,
            place,
            known: RefCell::default(),
        }
    }

    /// A string that has to be there; `example` shows how one is written.
    pub(super) fn text(&self, key: &'static str, example: &str) -> Option<&'a str> {
        if self.find(key).is_none() {
            self.missing(key, example);
        }
        self.optional_text(key, example)
    }

    /// A string that may be absent.
    pub(super) fn optional_text(&self, key: &'static str, example: &str) -> Option<&'a str> {
        let value = self.find(key)?;
        if let DeValue::String(text) = value.get_ref() {
            return Some(text);
        }
        let example = format!("{key} = \"{example}\"");
        self.wrong_type(&self.place_of(key), value.get_ref(), "a string", &example);
        None
    }

    /// A list of strings, each with its own place; empty where the key is absent, `None` where
    /// something else stands there.
    pub(super) fn texts(&self, key: &'static str, example: &str) -> Option<Vec<(Place, &'a str)>> {
        let Some(value) = self.find(key) else {
            return Some(Vec::new());
        };
        let example = format!("{key} = [\"{example}\"]");
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong_type(
                &self.place_of(key),
                value.get_ref(),
                "a list of strings",
                &example,
            );
            return None;
        };
        self.strings(key, array, &example)
    }

    fn strings(
        &self,
        key: &str,
        array: &'a DeArray<'a>,
        example: &str,
    ) -> Option<Vec<(Place, &'a str)>> {
        let place = |item: &Spanned<DeValue<'_>>| {
            let line = self.document.line_at(item.span().start);
            Place {
                line,
                key: self.path(key),
            }
        };
        let text = |item: &'a Spanned<DeValue<'a>>| match item.get_ref() {
            DeValue::String(text) => Some((place(item), text.as_ref())),
            other => {
                self.wrong_type(&place(item), other, "a list of strings", example);
                None
            }
        };
        // Collected first, so that every item of the list is looked at.
        array
            .iter()
            .map(text)
            .collect::<Vec<_>>()
            .into_iter()
            .collect()
    }

    /// A whole number, as written in any of TOML's bases; absent is `None`.
    pub(super) fn optional_integer(&self, key: &'static str, example: &str) -> Option<i64> {
        let value = self.find(key)?;
        let place = self.place_of(key);
        let DeValue::Integer(integer) = value.get_ref() else {
            let example = format!("{key} = {example}");
            self.wrong_type(&place, value.get_ref(), "a whole number", &example);
            return None;
        };
        match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => Some(number),
            Err(_) => {
                let message = format!("{integer} is too large a number; write {key} = {example}");
                self.document.problem(&place, message);
                None
            }
        }
    }

    /// `true` or `false`; absent is `None`.
    pub(super) fn optional_boolean(&self, key: &'static str) -> Option<bool> {
        let value = self.find(key)?;
        if let DeValue::Boolean(is_so) = value.get_ref() {
            return Some(*is_so);
        }
        let example = format!("{key} = true");
        self.wrong_type(
            &self.place_of(key),
            value.get_ref(),
            "true or false",
            &example,
        );
        None
    }

    pub(super) fn missing(&self, key: &'static str, example: &str) {
        self.problem(
            key,
            format!("the key is missing; write {key} = \"{example}\""),
        );
    }

    pub(super) fn problem(&self, key: &'static str, message: impl Into<String>) {
        self.document.problem(&self.place_of(key), message);
    }

    pub(super) fn problem_at(&self, place: &Place, message: impl Into<String>) {
        self.document.problem(place, message);
    }

    /// A problem of the section as a whole.
    pub(super) fn problem_here(&self, message: impl Into<String>) {
        self.document.problem(&self.place, message);
    }

    /// Whether the key is there, whatever it is.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// The line of the key, or that of the section where the key is absent.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.entry(key).map_or(self.place.line, |(line, _)| line)
    }

    /// Reports every key that was never asked for.
    pub(super) fn finish(&self) {
        let known = self.known.borrow();
        for key in self.table.keys() {
            if known.contains(&key.get_ref().as_ref()) {
                continue;
            }
            let place = Place {
                line: self.document.line_at(key.span().start),
                key: self.path(key.get_ref()),
            };
            let message = format!("unknown key; known here are: {}", known.join(", "));
            self.document.problem(&place, message);
        }
    }

    fn find(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
        self.entry(key).map(|(_, value)| value)
    }

    fn entry(&self, key: &str) -> Option<(usize, &'a Spanned<DeValue<'a>>)> {
        let (name, value) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        Some((self.document.line_at(name.span().start), value))
    }

    pub(super) fn place_of(&self, key: &str) -> Place {
        Place {
            line: self.line_of(key),
            key: self.path(key),
        }
    }

    fn path(&self, key: &str) -> String {
        if self.place.key.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.place.key)
        }
    }

    fn wrong_type(&self, place: &Place, found: &DeValue<'_>, wanted: &str, example: &str) {
        let found = type_name(found);
        let message = format!("{found} stands where {wanted} belongs; write {example}");
        self.document.problem(place, message);
    }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}
