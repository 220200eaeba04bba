// SPDX-License-Identifier: GPL-3.0-or-later

import Profiles

/// Every profile, as `profiles list` writes it.
struct ProfilesDocument: Encodable, Sendable {
  let profiles: [Row]

  struct Row: Encodable, Sendable {
    let kind: ProfileKind
    let name: String
    let summary: String
    let file: String
  }

  init(_ store: ProfileStore) throws {
    profiles =
      try Self.rows(HostProfile.self, store) + Self.rows(KernelProfile.self, store)
      + Self.rows(WorkloadProfile.self, store)
  }

  private static func rows<Content: Profile>(
    _ type: Content.Type,
    _ store: ProfileStore
  ) throws -> [Row] {
    try store.names(of: Content.kind).map { name in
      let loaded = try store.load(Content.self, named: name)
      return Row(
        kind: Content.kind,
        name: name,
        summary: loaded.summary,
        file: loaded.files.first ?? ""
      )
    }
  }
}
