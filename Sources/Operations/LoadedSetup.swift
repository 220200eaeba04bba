// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
package import Policies
package import Profiles
import Quantities

/// A setup as loaded: three profiles with the values of one question in them, and where every value
/// comes from.
package struct LoadedSetup: Sendable {
  /// The workload.
  package private(set) var workload: Loaded<WorkloadProfile>
  /// The host.
  package private(set) var host: Loaded<HostProfile>
  /// The kernel.
  package private(set) var kernel: Loaded<KernelProfile>
  /// How the guest is mapped.
  package private(set) var layout = GuestLayout.mix
  /// The file the layout comes from, where one was given.
  package private(set) var layoutFile: String?

  /// One value of a question: a key of whichever profile has it, and its text.
  package typealias Change = (key: String, value: String)

  /// Loads three profiles and sets values in them.
  package init(
    workload: String,
    host: String,
    kernel: String,
    from store: ProfileStore,
    setting changes: [Change] = []
  ) throws(ProfileError) {
    self.workload = try store.load(WorkloadProfile.self, named: workload)
    self.host = try store.load(HostProfile.self, named: host)
    self.kernel = try store.load(KernelProfile.self, named: kernel)
    try set(changes)
  }

  /// The keys of all profiles.
  package static var keys: [String] {
    WorkloadProfile.keys.map(\.name) + HostProfile.keys.map(\.name) + KernelProfile.keys.map(\.name)
  }

  /// Whether some profile has a key.
  package static func hasKey(_ key: String) -> Bool {
    Loaded<WorkloadProfile>.hasKey(key) || Loaded<HostProfile>.hasKey(key)
      || Loaded<KernelProfile>.hasKey(key)
  }

  /// Sets values, each in the profile that has its key, and only then checks the whole: values that
  /// depend on each other may come in any order.
  package mutating func set(_ changes: [Change]) throws(ProfileError) {
    var changed = self
    for (key, value) in changes {
      if Loaded<WorkloadProfile>.hasKey(key) {
        try changed.workload.set(key, to: value)
      } else if Loaded<HostProfile>.hasKey(key) {
        try changed.host.set(key, to: value)
      } else {
        try changed.kernel.set(key, to: value)
      }
    }
    try changed.check()
    self = changed
  }

  /// Refuses values that contradict each other, of one profile or of several.
  private func check() throws(ProfileError) {
    try workload.profile.check()
    try host.profile.check()
    try kernel.profile.check()
  }

  /// Lays the guest out as tables say, and gives the workload the shares that result.
  ///
  /// Precondition: the tables map something.
  package mutating func layOut(_ tables: StageTwo, from file: String) throws(ProfileError) {
    let (memory, granule) = (workload.profile.memory, host.profile.granule)
    func bytes(_ level: Int) -> Double {
      Double(tables.leafCounts[level]) * Double(granule.entrySize(level: level).rawValue)
    }
    let mapped = [1, 2, 3].map(bytes).reduce(0, +)
    precondition(mapped > 0, "a layout maps something")
    try set([
      ("vm.huge_block_share", "\(bytes(1) / mapped)"), ("vm.block_share", "\(bytes(2) / mapped)"),
      ("vm.touched_share", "\(min(1, mapped / Double(memory.size.rawValue)))"),
    ])
    (layout, layoutFile) = (.tables(tables), file)
  }

  /// The setup.
  package var setup: Setup {
    Setup(
      host: host.profile,
      kernel: kernel.profile,
      workload: workload.profile,
      layout: layout
    )
  }

  /// The policy of a text over the kernel's own, refused where it is impossible here.
  package func policy(_ text: String) throws(PolicyError) -> Policy {
    let setting = setup.setting
    guard !text.isEmpty else { return setting.baseline }
    let policy = try Policy(parsing: text, over: setting.baseline)
    var whole = policy
    if setup.workload.operation == .teardown {
      whole.path = policy.path(over: setup.workload.teardownPath)
    }
    try (policy.slice == nil ? policy : whole).validate(in: setting)
    return policy
  }

  /// The files this setup comes from.
  package var files: [String] {
    workload.files + host.files + kernel.files + (layoutFile.map { [$0] } ?? [])
  }
}
