// SPDX-License-Identifier: GPL-3.0-or-later

import Profiles

/// Every profile, as `profiles list` writes it.
struct ProfilesDocument: Encodable, Sendable {
  let profiles: [ProfileRow]

  init(_ store: ProfileStore) throws(ProfileError) { profiles = try store.rows() }
}
