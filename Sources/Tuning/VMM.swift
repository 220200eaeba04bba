// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
package import Policies
import Profiles
import Quantities

/// The program that runs the guest: what it does when nobody tunes it, and what it can be told.
///
/// QEMU's values are those of its documentation. The others take the dirty log by plain GET, without
/// KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, and have no option for any of these knobs: assumed from what
/// their users report (firecracker issue 1132, cloud-hypervisor issue 8899).
package enum VMM: String, Hashable, Sendable, CaseIterable, Codable {
  /// QEMU.
  case qemu
  /// Cloud Hypervisor.
  case cloudHypervisor = "cloud-hypervisor"
  /// Firecracker.
  case firecracker
  /// crosvm.
  case crosvm
  /// One that its user can change.
  case other

  /// QEMU's `x-clear-bitmap-shift` of 18 in pages of 4 KiB.
  private static let qemuClear = ByteCount.gibibytes(1)

  /// What the program does of its own accord, over what the kernel does of its own.
  func present(over policy: Policy, _ operation: StageTwoOperation) -> Policy {
    guard operation == .migration || operation == .logEnable else { return policy }
    var policy = policy
    switch self {
    case .qemu:
      policy.logStart = .allSet
      policy.clearRange = Self.qemuClear
    case .cloudHypervisor, .firecracker, .crosvm:
      policy.logStart = .protect
      policy.harvest = .get
      policy.clearRange = nil
    case .other: break
    }
    return policy
  }

  /// Whether the program can be told this without changing it; knobs of kernel and host always can.
  package func offers(_ key: PolicyKey) -> Bool {
    switch key {
    case .split, .harvest, .clear: self == .qemu || self == .other
    case .log, .slice, .pause: self == .other
    // Whoever runs a program can end it.
    case .chunk, .tlbi, .controller, .breaks, .path, .irq, .napi: true
    }
  }

  /// The harvests of a dirty log that can be had without changing the program, as policies write them;
  /// QEMU's rings are set when it starts, and it takes GET alone only where the kernel has no CLEAR.
  func harvests(_ setting: PolicySetting) -> [String] {
    let sizes = [1_024, 4_096, 16_384, 65_536].map { "ring:\($0)" }
    let all = ["clear"] + (self == .other ? ["get"] : []) + sizes
    return all.filter { value in
      var policy = setting.baseline
      policy.logStart = .protect
      return (try? policy.set(.harvest, to: value)) != nil
        && (try? policy.validate(in: setting)) != nil
    }
  }

  /// The teardown paths that can be had without changing the program, the present one first.
  func paths(present: TeardownPath) -> [TeardownPath] {
    let all: [TeardownPath] = self == .other ? TeardownPath.allCases : [.processExit]
    return [present] + all.filter { $0 != present }
  }
}
