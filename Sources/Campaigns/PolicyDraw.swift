// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

import PageTables
import Policies
import Profiles
import Quantities

/// Turns a place of the unit cube into a policy that is possible in a setting.
struct PolicyDraw {
  /// Coordinates in [0, 1), one a knob.
  let place: [Double]
  let setting: PolicySetting
  let workload: WorkloadProfile

  /// The policy in canonical form, or nil where it is impossible.
  func policy(allKnobs: Bool) -> Policy? {
    var policy = Policy(chunk: chunk, flush: flush)
    if workload.operation == .teardown { drawSlices(&policy) }
    if workload.operation == .migration { drawMigration(&policy) }
    if allKnobs {
      policy.controller = controller
      policy.interrupt = place[6] < 0.85 ? .sameCPU : .moved
      policy.threadedNAPI = place[7] >= 0.9
    }
    let canonical = policy.canonical(in: setting)
    do throws(PolicyError) {
      try canonical.validate(in: setting)
      return canonical
    } catch {
      return nil
    }
  }

  /// A chunk: the kernel's own in a quarter of the points, else a size between a page and the root
  /// entry or four gibibytes, whichever is less.
  private var chunk: ChunkRule {
    let coordinate = place[0]
    if coordinate < 0.15 { return .largestBlock }
    if coordinate < 0.25 { return .rootEntry }
    let low = Double(setting.granule.pageShift)
    let high = min(32, Double(setting.rootEntry.rawValue.trailingZeroBitCount))
    let shift = low + (coordinate - 0.25) / 0.75 * max(0, high - low + 0.999)
    let size = ByteCount(rawValue: 1 << Int64(shift))
    return place[8] < 0.85 ? .fixed(size) : .mappingAware(size)
  }

  private var flush: FlushRule {
    let rules: [FlushRule] = [
      setting.baseline.flush, .perLeaf, .deferredRange, .deferredIfCleared(.clearedLeaves),
      .vmidAbove(leaves: 1 << (2 + pick(place[9], 10))),
    ]
    return rules[pick(place[1], rules.count)]
  }

  private var controller: ChunkController {
    guard place[2] >= 0.8 else { return .fixed }
    let size = setting.size(of: chunk) ?? setting.granule.largestBlock
    if place[2] < 0.9 {
      let budget = logarithmic(place[9], 50_000...4_000_000)
      return .timeBudget(Nanoseconds(rawValue: Int64(budget)), stride: 64)
    }
    let floor = min(size, setting.granule.smallestBlock)
    return .feedback(floor: floor, patience: 4)
  }

  /// In half of the points the VMM slices its teardown; one in five exits instead.
  private func drawSlices(_ policy: inout Policy) {
    let coordinate = place[3]
    if coordinate < 0.2 {
      policy.path = .processExit
    } else if coordinate < 0.5 {
      policy.path = coordinate < 0.35 ? .munmap : .memslotDelete
    } else {
      policy.path = coordinate < 0.75 ? .munmap : .madviseSlices
      let low = setting.granule.smallestBlock.rawValue.trailingZeroBitCount
      let shift = low + pick(place[4], max(1, 31 - low))
      policy.slice = ByteCount(rawValue: 1 << Int64(shift))
      if place[5] >= 0.6 {
        let pause = logarithmic((place[5] - 0.6) / 0.4, 10_000...2_000_000)
        policy.pause = Nanoseconds(rawValue: Int64(pause))
      }
    }
  }

  private func drawMigration(_ policy: inout Policy) {
    if place[3] >= 0.3 {
      policy.clearRange = ByteCount(rawValue: 1 << Int64(20 + pick(place[4], 14)))
    }
    if place[5] >= 0.5 { policy.eagerSplit = setting.granule.smallestBlock }
  }
}

/// A number whose logarithm is uniform in a range of positive numbers.
func logarithmic(_ coordinate: Double, _ range: ClosedRange<Double>) -> Double {
  range.lowerBound * pow(range.upperBound / range.lowerBound, coordinate)
}
