// SPDX-License-Identifier: GPL-3.0-or-later

import Profiles

/// What a host's own files say of it, as a profile over the shipped host that comes closest.
package struct DetectedHost: Hashable, Sendable, Codable {
  /// A value that the files give.
  package struct Value: Hashable, Sendable, Codable {
    /// The key, as `profiles keys` lists it.
    package let key: String
    /// The value, as `--set` takes it.
    package let value: String
    /// What was read.
    package let why: String
    /// The file that says it, or "assumed".
    package let source: String
  }

  /// A value that no file gives.
  package struct Gap: Hashable, Sendable, Codable {
    /// The key.
    package let key: String
    /// Why it is not known, and what stands for it.
    package let reason: String
    /// How to find out.
    package let measure: String
  }

  /// Where `/proc` and `/sys` were read.
  package let root: String
  /// What the machine is, in one line.
  package let summary: String
  /// The shipped host whose values stand for those that no file gives.
  package let parent: String
  /// Values of the host's profile.
  package let values: [Value]
  /// Values of the kernel's profile: release, preemption model, ticks.
  package let kernel: [Value]
  /// What the present policy is beside the kernel's own, as `--present` takes it; nil where nothing.
  package let present: String?
  /// What no file gives.
  package let gaps: [Gap]
  /// What runs there and is not modelled, or is unusual.
  package let notes: [String]

  /// The host's profile as a file.
  package func hostProfile(_ name: String) -> String {
    ProfileText.host(
      summary: "\(name): \(summary)",
      parent: parent,
      values: values.map(Self.written)
    )
  }

  /// The kernel's profile as a file.
  package func kernelProfile(_ name: String) -> String {
    ProfileText.kernel(summary: "The kernel of \(summary)", values: kernel.map(Self.written))
  }

  private static func written(_ value: Value) -> ProfileText.Value {
    let isRead = value.source.hasPrefix("/")
    return ProfileText.Value(
      key: value.key,
      value: value.value,
      why: value.why,
      source: isRead ? "measured: \(value.source)" : value.source
    )
  }
}

/// Why nothing can be said of a machine.
package struct DetectionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One sentence with the file and what would do.
  package let description: String
}
