//! What may happen to files, for tests.

use std::fs;
use std::path::{Path, PathBuf};

/// A file cut short, overwritten, gone.
pub(super) const DAMAGES: [fn(&Path); 3] = [cut, overwrite, remove];

fn cut(file: &Path) {
    let bytes = fs::read(file).unwrap();
    fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
}

fn overwrite(file: &Path) {
    let bytes = fs::read(file).unwrap();
    fs::write(file, vec![0xa5; bytes.len()]).unwrap();
}

fn remove(file: &Path) {
    fs::remove_file(file).unwrap();
}

/// Below the directory, by their names.
pub(super) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.push(path.strip_prefix(directory).unwrap().to_owned());
            }
        }
    }
    found
}

pub(super) fn copy_tree(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(from.join(&file), target).unwrap();
    }
}
