// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Operations
import Profiles
import Synchronization

/// Setups as they were loaded last, so that a move of a slider reads no YAML.
///
/// An edited profile is read anew: every file behind a setup must be as it was.
final class LoadedProfiles: Sendable {
  private struct Names: Hashable {
    let workload: String
    let host: String
    let kernel: String
  }

  private struct Entry {
    let loaded: LoadedSetup
    let stamps: [Stamp]
  }

  /// When a file was written last, and its size.
  private struct Stamp: Equatable {
    let file: String
    let written: Date?
    let size: Int?

    init(_ file: String) {
      let found = try? FileManager.default.attributesOfItem(atPath: file)
      self.file = file
      written = found?[.modificationDate] as? Date
      size = (found?[.size] as? NSNumber)?.intValue
    }
  }

  private let store: ProfileStore
  private let entries = Mutex<[Names: Entry]>([:])

  /// Setups that are kept at most.
  private static let most = 256

  init(_ store: ProfileStore) { self.store = store }

  /// Three profiles by their names, as the store has them now.
  func setup(workload: String, host: String, kernel: String) throws(ProfileError) -> LoadedSetup {
    let names = Names(workload: workload, host: host, kernel: kernel)
    if let entry = entries.withLock({ $0[names] }), isFresh(entry, names) { return entry.loaded }
    let loaded = try LoadedSetup(workload: workload, host: host, kernel: kernel, from: store)
    let entry = Entry(loaded: loaded, stamps: loaded.files.map(Stamp.init))
    // What is made of the machine itself stands in no file of its own.
    guard entry.stamps.allSatisfy({ $0.written != nil }) else { return loaded }
    entries.withLock { entries in
      if entries.count >= Self.most { entries = [:] }
      entries[names] = entry
    }
    return loaded
  }

  /// Whether the store would give the same: no file changed, and none stands before it now.
  private func isFresh(_ entry: Entry, _ names: Names) -> Bool {
    let loaded = entry.loaded
    return isFirst(loaded.workload, names.workload) && isFirst(loaded.host, names.host)
      && isFirst(loaded.kernel, names.kernel)
      && entry.stamps.allSatisfy { $0 == Stamp($0.file) }
  }

  private func isFirst<Content: Profile>(_ loaded: Loaded<Content>, _ name: String) -> Bool {
    let path = store.path("\(Content.kind.directory)/\(name).yaml")?.path
    // An update of a series has no file of its name, only its series' one.
    return path == nil || path == loaded.files.first
  }
}
