// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities

extension FeatureVector {
  /// What a fluid in place of packets says of the operation.
  mutating func addFluid(
    _ operation: BatchedOperation,
    _ plan: GatheredPlan,
    _ fluids: SharedFluids?
  ) {
    (self[.fluidGoodput], self[.fluidIOPS]) = (1, 1)
    let workload = operation.workload
    guard workload.operation != .mapCreate else {
      addStorm(operation.host, operation.kernel, workload, plan)
      return
    }
    guard let cpu = SharedCPU(operation) else { return }
    let groups = FluidPlan(operation: operation, plan: plan).groups()
    let estimate = fluids?.estimate(groups, on: cpu) ?? FluidEstimate(groups, on: cpu)
    self[.fluidStageTwo] = estimate.stageTwo
    self[.fluidWhole] = estimate.whole
    self[.fluidHold] = max(estimate.longestHold, Self.interruptedHold(groups, cpu))
    self[.fluidGoodput] = min(1, estimate.goodput)
    self[.fluidIOPS] = min(1, estimate.iops)
    self[.fluidRequest] = estimate.requestP99
    guard workload.operation == .migration else { return }
    // A migration's own times are those of its rounds.
    (self[.fluidStageTwo], self[.fluidWhole]) = (0, 0)
    self[.fluidHold] = plan.longestHold.map { Double($0.rawValue) } ?? self[.longestChunk]
  }

  /// Among very many holds one meets the tick and an interrupt of the queue together.
  private static func interruptedHold(_ groups: [FluidGroup], _ cpu: SharedCPU) -> Double {
    var longest = 0.0
    for group in groups {
      for step in group.steps where step.kind == .stageTwo && step.holdsLock {
        guard step.work * group.kept > 10 * cpu.jiffy else { continue }
        longest = max(longest, step.unit)
      }
    }
    guard longest > 0 else { return 0 }
    let interrupt =
      !cpu.handlesInterrupts || cpu.packetRate <= 0
      ? 0 : cpu.threadedNAPI ? cpu.hardInterrupt : cpu.interruptCost
    return longest + cpu.tick + interrupt
  }

  /// A storm of first touches.
  ///
  /// For every page the first writer's notifier call clears it, those of
  /// the other writers that raced for it find nothing, one after the other. The last of them then
  /// finds that calls have run since its fault began, takes the fault again, and goes on to the
  /// next page a tenth of a microsecond later. Up to 6.1 a vCPU's fault takes the lock alone;
  /// whether once or twice is chance that lasts, so this is a middle.
  private mutating func addStorm(
    _ host: HostProfile,
    _ kernel: KernelProfile,
    _ workload: WorkloadProfile,
    _ plan: GatheredPlan
  ) {
    let (vcpus, costs) = (Double(workload.memory.vcpus), host.fault)
    let clearing = self[.longestChunk]
    let finding = plan.emptyCall.map { Double($0.rawValue) } ?? clearing
    let inside = costs.insideLock.inNanoseconds
    let fault =
      costs.outsideLock * 2 + costs.pageAllocation * 1 + costs.retry * 1 + .nanoseconds(100)
    let calls = clearing + finding * max(0, (vcpus / 2).rounded(.up) - 1)
    let isShared = (try? ReleaseRules.rules(for: kernel.release))?.sharedFaults == .all
    let alone = isShared ? 2 : 1.3 * vcpus
    let time = Double(plan.calls) * (Double(fault.rawValue) + calls + inside * alone)
    (self[.fluidStageTwo], self[.fluidWhole]) = (time, time)
    self[.fluidHold] = clearing
  }

  /// A migration as rounds of sending against dirtying.
  mutating func addPreCopy(_ plan: GatheredPlan) {
    guard var rounds = plan.preCopy else { return }
    rounds.run()
    self[.preCopyTime] = Double(rounds.time.rawValue)
    self[.preCopyDowntime] = Double(rounds.downtime.rawValue)
    self[.preCopyLost] = 1 - rounds.guestSpeed
    self[.preCopyProtecting] = Double(rounds.protecting.rawValue)
  }
}
