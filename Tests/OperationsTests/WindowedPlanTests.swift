// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Operations
import Policies
import Profiles
import Quantities
import TestSupport
import Testing

/// A plan that is laid out as far as a window goes, beside the same plan laid out whole.
@Suite struct WindowedPlanTests {
  static let questions: [(String, String, String)] = [
    ("container-churn", "6.1", "chunk=64KiB"), ("mixed-thp", "6.12", "chunk=2MiB"),
    ("container-churn", "5.10", ""), ("container-churn", "6.1", "slice=2MiB"),
  ]

  @Test("a window keeps the same steps of either", arguments: questions)
  func window(_ workload: String, _ kernel: String, _ policy: String) throws {
    let operation = try Self.operation(workload, kernel, policy)
    let window = Window.standard
    let whole = try operation.exactPlan()
    let bounded = try operation.exactPlan(window)
    let expected = ScaledPlan(whole.plan, window: window)
    let scaled = ScaledPlan(bounded.plan, window: window)
    #expect(scaled.plan == expected.plan)
    #expect(scaled.isRound == expected.isRound && scaled.isCut == expected.isCut)
    #expect(bounded.counts == whole.counts)
    for kind in [WorkKind.stageTwo, .hostSide] {
      #expect(bounded.plan.work(kind) == whole.plan.work(kind))
    }
    for (some, all) in zip(scaled.scales.joined(), expected.scales.joined()) {
      #expect(abs(some / all - 1) < 1e-12)
    }
  }

  @Test("what is laid out grows with the window, not with the guest")
  func bounded() throws {
    let operation = try Self.operation("container-churn", "6.1", "chunk=64KiB")
    let whole = try operation.exactPlan().plan.groups[0].steps.count
    let some = try operation.exactPlan(.standard).plan.groups[0].steps.count
    #expect(whole > 100_000)
    #expect(some < 5_000)
  }

  private static func operation(
    _ workload: String,
    _ kernel: String,
    _ policy: String
  ) throws -> BatchedOperation {
    let loaded = try LoadedSetup(
      workload: workload,
      host: "graviton3",
      kernel: kernel,
      from: ProfileStore(directories: [packageRoot.appending(path: "models")]),
      setting: []
    )
    return BatchedOperation(loaded.setup, try loaded.policy(policy))
  }
}
