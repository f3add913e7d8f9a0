//! What agents before us have counted in.
//!
//! A new agent makes maps of its own, and puts its program in the place of the old one when they are filled. Until then the old
//! program counts in the old maps. They are put aside under names of their own, so that an agent that dies meanwhile leaves
//! them to the next one, and go once nothing counts there any more and what they say is in the store.

use std::path::Path;

use aya::maps::MapData;
use tracing::warn;
use upf_common::abi::{ABI_VERSION, Control, Plain};

use super::accounts::AccountTables;
use super::loader::{LoadError, in_memory};
use super::mmap::{MappedArray, load, words_of};
use super::pins::Pins;
use crate::datapath::{FormerMaps, MapsId};

/// The maps that are put aside. As long as the last one is where it was, the others are looked for again.
const NAMES: [&str; 3] = [CONTROL, USAGES, SLOTS];
const SLOTS: &str = "SLOTS";
const USAGES: &str = "USAGES";
const CONTROL: &str = "CONTROL";

/// Puts the maps aside that are pinned now, and opens all that have been put aside. Those that cannot be read, because they
/// are of another version, are removed.
pub(super) fn open(pins: &Pins) -> Result<Vec<FormerMaps<AccountTables>>, LoadError> {
    if let Ok(slots) = MapData::from_pin(pins.path(SLOTS)) {
        let id = number_of(&slots)?;
        pins.put_aside(id, &NAMES)?;
    }
    let mut all = Vec::new();
    for number in pins.former()? {
        match read(&pins.former_path(number)) {
            Ok(accounts) => all.push(FormerMaps {
                maps: MapsId(number),
                accounts,
            }),
            Err(error) => {
                warn!(%error, number, "what an agent before us has counted since it last wrote it down is lost");
                pins.remove_former(number)?;
            }
        }
    }
    Ok(all)
}

/// The kernel's number of a map, which no other one has had since it was started.
pub(super) fn number_of(map: &MapData) -> Result<u32, LoadError> {
    let info = map.info().map_err(|source| LoadError::Map {
        table: SLOTS,
        source,
    })?;
    Ok(info.id())
}

fn read(directory: &Path) -> Result<AccountTables, LoadError> {
    let control: MappedArray<Control, { words_of::<Control>() }> = mapped(directory, CONTROL)?;
    let version = control
        .entry(0)
        .map(|entry| load::<Control, _>(entry).abi_version);
    if version != Some(ABI_VERSION) {
        return Err(LoadError::Mismatch {
            what: "map of this version",
        });
    }
    Ok(AccountTables {
        slots: mapped(directory, SLOTS)?,
        usages: mapped(directory, USAGES)?,
    })
}

fn mapped<T: Plain, const N: usize>(
    directory: &Path,
    table: &'static str,
) -> Result<MappedArray<T, N>, LoadError> {
    let map = MapData::from_pin(directory.join(table));
    in_memory(
        &map.map_err(|source| LoadError::Map { table, source })?,
        table,
    )
}
