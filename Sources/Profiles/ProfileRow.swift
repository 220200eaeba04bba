// SPDX-License-Identifier: GPL-3.0-or-later

/// A profile as lists show it.
package struct ProfileRow: Hashable, Sendable, Encodable {
  /// Of what it is one.
  package let kind: ProfileKind
  /// Its name.
  package let name: String
  /// What it says of itself in a line.
  package let summary: String
  /// The file it stands in.
  package let file: String
}

extension ProfileStore {
  /// Every profile: hosts, kernels, workloads, each by name.
  package func rows() throws(ProfileError) -> [ProfileRow] {
    try rows(HostProfile.self) + rows(KernelProfile.self) + rows(WorkloadProfile.self)
  }

  private func rows<Content: Profile>(
    _ type: Content.Type
  ) throws(ProfileError) -> [ProfileRow] {
    try names(of: Content.kind).map { (name) throws(ProfileError) in
      let loaded = try load(Content.self, named: name)
      return ProfileRow(
        kind: Content.kind,
        name: name,
        summary: loaded.summary,
        file: loaded.files.first ?? ""
      )
    }
  }
}
