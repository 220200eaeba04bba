// SPDX-License-Identifier: GPL-3.0-or-later

/// The releases that have a change: every one from a mainline release on, and updates of the stable
/// series before it that carry it too.
struct ReleaseSpan: Hashable, Sendable {
  /// The mainline release from which on all have it.
  let since: KernelRelease
  /// The updates of older stable series from which on that series has it.
  let backports: [KernelRelease]

  /// Whether a release has the change: in mainline, or as a backport to its own series.
  func contains(_ release: KernelRelease) -> Bool {
    release >= since || backports.contains { $0.isSeries(of: release) && $0.patch <= release.patch }
  }

  /// Whether the change came to the release's series with an update, so that only the update's
  /// number says whether a kernel has it.
  func dependsOnUpdate(_ release: KernelRelease) -> Bool {
    release < since && backports.contains { $0.isSeries(of: release) }
  }
}

extension KernelRelease {
  /// Whether another release is an update of the same series.
  func isSeries(of other: Self) -> Bool { major == other.major && minor == other.minor }
}
