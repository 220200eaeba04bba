// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
package import Policies
package import Profiles
import Quantities

/// Where an operation happens: the host, its kernel, the workload, and how the guest is mapped.
///
/// Everything a run, an estimate or an answer depends on, the policy and the seed apart. Whatever is
/// remembered of one is remembered under the whole setup, in memory as the value itself and in files
/// under its `fingerprint`.
package struct Setup: Hashable, Sendable {
  /// The host.
  package var host: HostProfile
  /// The kernel.
  package var kernel: KernelProfile
  /// The guest, what is done to it, and the IO beside it.
  package var workload: WorkloadProfile
  /// How the guest's memory is mapped.
  package var layout: GuestLayout

  /// Creates a setup from its parts; the guest is laid out by the workload's mix of leaves unless a
  /// layout says otherwise.
  package init(
    host: HostProfile,
    kernel: KernelProfile,
    workload: WorkloadProfile,
    layout: GuestLayout = .mix
  ) {
    self.host = host
    self.kernel = kernel
    self.workload = workload
    self.layout = layout
  }

  /// Where policies are read and proposed.
  package var setting: PolicySetting {
    PolicySetting(
      granule: host.granule,
      ipaBits: workload.memory.ipaBits,
      release: kernel.release,
      features: host.features,
      hugetlbPage: workload.memory.hugetlbPage(host.granule)
    )
  }

  /// Where policies are run, whether or not somebody may be told to use them.
  ///
  /// Slices that the host refuses on hugetlb memory are run as if it gave them back: the record of
  /// runs and the cost model hold such.
  package var settingOfRuns: PolicySetting {
    var setting = setting
    setting.hugetlbPage = nil
    return setting
  }

  /// Every value of the setup by name, one a line: the names of the profiles, every key that is set
  /// or always was one, the layout.
  package var values: [(name: String, value: String)] {
    [("host", host.name)] + Self.values(of: host)
      + [("kernel", kernel.name)] + Self.values(of: kernel)
      + [("workload", workload.name)] + Self.values(of: workload)
      + [("layout", layout.identity)]
  }

  /// The setup's identity in files, 32 hexadecimal digits: it changes with any value.
  package var fingerprint: String {
    Digest.wide(of: values.map { "\($0.name)=\($0.value)" }.joined(separator: "\n"))
  }

  private static func values<Content: Profile>(
    of profile: Content
  ) -> [(name: String, value: String)] {
    Content.keys.compactMap { key in
      let text = key.text(in: profile)
      return text == nil && key.isSilentUnset ? nil : (key.name, text ?? "none")
    }
  }
}

/// How a guest's memory is mapped.
package enum GuestLayout: Hashable, Sendable {
  /// By the workload's mix of leaves, laid out in tiles.
  case mix
  /// As these tables are: those of a dump.
  case tables(StageTwo)

  /// The tables of a dump; nil for a mix.
  package var tables: StageTwo? {
    if case .tables(let tables) = self { tables } else { nil }
  }

  /// What tells one layout from another in a file.
  var identity: String {
    switch self {
    case .mix: "mix"
    case .tables(let tables): tables.digest.hexadecimal
    }
  }
}
