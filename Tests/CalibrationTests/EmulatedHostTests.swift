// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation
import Profiles
import TestSupport
import Testing

/// Emulated hosts, calibrated from half of their guests, predict the other half.
///
/// An instruction is a nanosecond, so the captures hold exact times: what is left is what a list of
/// some thirty prices cannot say of six kernels.
@Suite struct EmulatedHostTests {
  private static let store = ProfileStore(directories: [packageRoot.appending(path: "models")])

  private static func counts() throws -> KernelCounts {
    let name = "models/facts/captures/kernel-counts.csv"
    let data = try Data(contentsOf: packageRoot.appending(path: name))
    return try KernelCounts(parsing: Array(data), file: name)
  }

  /// The errors on the guests that a host was not calibrated from.
  private static func errors(
    _ machine: CapturedMachine,
    from parity: Int,
    _ file: KernelCounts
  ) throws -> [(name: String, error: Double)] {
    let layouts = file.layouts(of: machine)
    let half = Set(layouts.indices.filter { $0 % 2 == parity }.map { layouts[$0] })
    let base = try store.load(HostProfile.self, named: "generic-armv8.4").profile
    let fit = try HostFit(
      base: base,
      evidence: [.counts(file, machine: machine, layouts: half)]
    )
    let rest = CostEvidence.counts(file, machine: machine, layouts: Set(layouts).subtracting(half))
    let predicted = try rest.predictions(on: fit.host)
    return zip(rest.samples, predicted).map {
      ("\(machine) \($0.0.id) \($0.0.measured) \($0.1)", $0.1 / $0.0.measured - 1)
    }
  }

  @Test("half of the guests predict the other half: 1 % in the middle, 3 % for nine of ten")
  func halves() throws {
    let file = try Self.counts()
    var all: [(name: String, error: Double)] = []
    for machine in file.machines {
      for parity in 0...1 { all += try Self.errors(machine, from: parity, file) }
    }
    let sorted = all.map(\.error.magnitude).sorted()
    #expect(sorted.count > 400)
    #expect(sorted[sorted.count / 2] <= 0.01)
    #expect(sorted[sorted.count * 9 / 10] <= 0.03)
  }
}
