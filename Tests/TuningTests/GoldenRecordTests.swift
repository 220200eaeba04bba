// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Campaigns
import Estimates
import Foundation
import Machine
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import Scenarios
import TestSupport
import Testing

/// The simulator and the features on some five hundred design points, digest by digest.
///
/// A change that is meant to leave every figure alone leaves `Tests/Golden/record` alone; one that
/// is not raises `Scenario.simulatorVersion`, records anew and says response by response what moved
/// (`docs/simulator-versions.md`).
@Suite struct GoldenRecordTests {
  /// Workloads that came after the design was recorded; they are among the corners.
  ///
  /// With them in the design every point would be another.
  private static let later = ["balloon", "free-page-reporting", "numa-balancing", "snapshot"]

  @Test("design points over all profiles that shipped when it was recorded")
  func design() throws {
    let store = ProfileStore(directories: [packageRoot.appending(path: "models")])
    let space = DesignSpace(
      hosts: try store.names(of: .host).map {
        try store.load(HostProfile.self, named: $0).profile
      },
      kernels: try store.names(of: .kernel).map {
        try store.load(KernelProfile.self, named: $0).profile
      },
      workloads: try store.names(of: .workload).filter { !Self.later.contains($0) }.map {
        try store.load(WorkloadProfile.self, named: $0).profile
      }
    )
    let points = try space.points(400, seed: Seed(20_261_128))
    let cases = points.map { point in
      let name = "\(point.index) \(point.host.name) \(point.kernel.name) \(point.workload.name)"
      return RecordedCase("\(name) \(point.policy)", point.scenario(extent: .window(.brief)))
    }
    Golden.check(try record(cases), "record/design.txt")
  }

  @Test("operations, storms, neighbours, dumps, switches, whole and fast runs")
  func corners() throws {
    Golden.check(try record(try RecordedCase.corners()), "record/corners.txt")
  }

  private func record(_ cases: [RecordedCase]) throws -> String {
    try inParallel(cases) { try $0.line() }.joined(separator: "\n") + "\n"
  }
}

extension Window {
  /// A twentieth of a second of stage-2 work: enough to notice a change.
  static var brief: Window {
    var window = Window()
    window.stageTwo = .milliseconds(50)
    window.hostSide = .milliseconds(10)
    window.longestUnit = .milliseconds(200)
    window.warmUp = .milliseconds(20)
    return window
  }
}

/// One recorded run.
struct RecordedCase: Sendable {
  let name: String
  let scenario: Scenario

  init(_ name: String, _ scenario: Scenario) { (self.name, self.scenario) = (name, scenario) }

  /// The case's name, the digest of its report and that of its features.
  func line() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let report = String(decoding: try encoder.encode(try scenario.run()), as: UTF8.self)
    let features = FeatureVector(
      of: scenario.operation,
      plan: try scenario.operation.gatheredPlan()
    )
    let bits = features.values.map { String($0.bitPattern, radix: 16) }.joined(separator: " ")
    return "\(name): run \(Digest.of(report).hexadecimal) "
      + "features \(Digest.of(bits).hexadecimal)"
  }
}

/// The results of a body on every element, in their order, made on all processors.
func inParallel<Input: Sendable, Output: Sendable>(
  _ inputs: [Input],
  _ body: @escaping @Sendable (Input) throws -> Output
) throws -> [Output] {
  let results = Results<Output>(count: inputs.count)
  DispatchQueue.concurrentPerform(iterations: inputs.count) { index in
    results.set(index, Result { try body(inputs[index]) })
  }
  return try results.all()
}

/// Results by place, filled from many threads.
private final class Results<Output: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var values: [Result<Output, any Error>?]

  init(count: Int) { values = Array(repeating: nil, count: count) }

  func set(_ index: Int, _ value: Result<Output, any Error>) {
    lock.withLock { values[index] = value }
  }

  func all() throws -> [Output] { try values.compactMap { try $0?.get() } }
}
