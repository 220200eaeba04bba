// SPDX-License-Identifier: GPL-3.0-or-later

package import Profiles

/// What a host's own files say of it, as a profile over the shipped host that comes closest.
package struct DetectedHost: Hashable, Sendable, Codable {
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
  package let values: [ProfileText.Value]
  /// Values of the kernel's profile: release, preemption model, ticks.
  package let kernel: [ProfileText.Value]
  /// What the present policy is beside the kernel's own, as `--present` takes it; nil where nothing.
  package let present: String?
  /// What no file gives.
  package let gaps: [Gap]
  /// What runs there and is not modelled, or is unusual.
  package let notes: [String]

  /// The host's profile as a file.
  package func hostProfile(_ name: String) -> String {
    ProfileText.host(summary: "\(name): \(summary)", parent: parent, values: values)
  }

  /// The kernel's profile as a file; one without a release is no profile.
  package func kernelProfile(_ name: String) -> String {
    ProfileText.kernel(summary: "The kernel of \(summary)", values: kernel)
  }

  /// Whether the files say which release runs.
  package var hasRelease: Bool { kernel.contains { $0.key == "kernel.release" } }
}

/// Why nothing can be said of a machine.
package struct DetectionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One sentence with the file and what would do.
  package let description: String
}
