// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
import Quantities

extension KernelProfile: Profile {
  /// The kind: kernel.
  package static let kind = ProfileKind.kernel

  /// The tick rates a kernel can be built with.
  package static let legalTickRates = [100, 250, 300, 1000]

  /// A kernel of this name; a file fills in the rest.
  package init(blank name: String) {
    self.init(
      name: name,
      release: KernelRelease(major: 0, minor: 0),
      preemption: .voluntary,
      hz: 250
    )
  }

  /// Every key of a kernel profile.
  package static let keys: [ProfileKey<KernelProfile>] = [
    .value(
      "kernel.release",
      \.release,
      "the release whose rules apply",
      legal: KernelRelease.legalText,
      ends: ["5.10", "6.12", "9999.9999.9999"],
      beyond: ["0.0", "10000.0"],
      parse: { try? KernelRelease(written: $0) },
      print: { $0.description }
    ),
    .choice("kernel.preemption", \.preemption, "the preemption model"),
    .flag("kernel.dynamic", \.isDynamic, "whether it is built with PREEMPT_DYNAMIC"),
    .value(
      "kernel.hz",
      \.hz,
      "ticks per second",
      legal: legalTickRates.map { String($0) }.joined(separator: ", "),
      ends: legalTickRates.map { String($0) },
      beyond: ["0", "10000"],
      parse: { text in Int(text).flatMap { legalTickRates.contains($0) ? $0 : nil } },
      print: { String($0) }
    ),
  ]

  /// Checks what no single value can show: the preemption models a release can have on arm64.
  package func check() throws(ProfileError) {
    guard release.major > 0 else {
      throw .contradiction(name: name, problem: "kernel.release is missing; write 6.1 or the like")
    }
    let legal = Self.models(of: release)
    guard legal.contains(preemption) else {
      throw .contradiction(
        name: name,
        problem: "Linux \(release) on arm64 has no preemption model \(preemption.rawValue); legal "
          + "are " + legal.map(\.rawValue).joined(separator: ", ")
      )
    }
  }

  /// A stable update such as `6.12.107` is its series' profile with another release: the rules of
  /// the table of releases know updates.
  package static func derived(
    _ name: String
  ) -> (from: String, values: [(key: String, text: String)])? {
    guard name.split(separator: ".").count == 3, let release = try? KernelRelease(written: name)
    else { return nil }
    return ("\(release.major).\(release.minor)", [("kernel.release", name)])
  }

  /// The preemption models a release offers on arm64: LAZY from 6.16, only FULL and LAZY from 7.0.
  package static func models(of release: KernelRelease) -> [PreemptionModel] {
    if release >= KernelRelease(major: 7, minor: 0) { return [.full, .lazy] }
    if release >= KernelRelease(major: 6, minor: 16) { return PreemptionModel.allCases }
    return [.none, .voluntary, .full]
  }
}
