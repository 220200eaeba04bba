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

  /// Which knobs a draw turns: those of user space, those of the kernel, or all.
  private enum Reach { case today, kernel, any }

  /// Two in five draws turn only what needs no kernel change, as many only the kernel's rules.
  private var reach: Reach { place[10] < 0.4 ? .today : place[10] < 0.8 ? .kernel : .any }

  /// The policy in canonical form, or nil where it is impossible.
  func policy(allKnobs: Bool) -> Policy? {
    let reach = allKnobs ? reach : .any
    var policy = setting.baseline
    if reach != .today { (policy.chunk, policy.flush) = (chunk, flush) }
    if reach != .kernel { drawUserSpace(&policy, allKnobs: allKnobs) }
    if allKnobs, reach != .today { policy.controller = controller }
    let canonical = policy.canonical(in: setting)
    do throws(PolicyError) {
      try canonical.validate(in: setting)
      return canonical
    } catch {
      return nil
    }
  }

  private func drawUserSpace(_ policy: inout Policy, allKnobs: Bool) {
    if workload.operation == .teardown { drawSlices(&policy) }
    if workload.operation == .migration || workload.operation == .logEnable {
      drawMigration(&policy)
    }
    guard allKnobs else { return }
    policy.interrupt = place[6] < 0.85 ? .sameCPU : .moved
    policy.threadedNAPI = place[7] >= 0.9
  }

  /// A chunk: a named one in a quarter of the points, a number of visits in a twelfth, else a size
  /// between a page and the root entry or four gibibytes, whichever is less.
  private var chunk: ChunkRule {
    let coordinate = place[0]
    if coordinate < 0.13 { return .largestBlock }
    if coordinate < 0.2 { return .rootEntry }
    if coordinate < 0.28 { return .visits(1 << (6 + pick(place[8], 9))) }
    let low = Double(setting.granule.pageShift)
    let high = min(32, Double(setting.rootEntry.rawValue.trailingZeroBitCount))
    let shift = low + (coordinate - 0.28) / 0.72 * max(0, high - low + 0.999)
    let size = ByteCount(rawValue: 1 << Int64(shift))
    return place[8] < 0.85 ? .fixed(size) : .mappingAware(size)
  }

  private var flush: FlushRule {
    let rules: [FlushRule] = [
      setting.baseline.flush, .perLeaf, .deferredRange, .deferredIfCleared(.clearedLeaves),
      .vmidAbove(leaves: 1 << (2 + pick(place[9], 11))),
      place[9] < 0.5 ? .none : .deferredIfCleared(.call),
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

  /// In three points of five the VMM slices its teardown; one in eight exits instead.
  private func drawSlices(_ policy: inout Policy) {
    let coordinate = place[3]
    if coordinate < 0.12 {
      policy.path = .processExit
    } else if coordinate < 0.4 {
      policy.path = coordinate < 0.3 ? .munmap : .memslotDelete
    } else {
      policy.path = coordinate < 0.75 ? .munmap : .madviseSlices
      let low = setting.granule.pageShift + 6
      policy.slice = ByteCount(rawValue: 1 << Int64(low + pick(place[4], max(1, 33 - low))))
      if place[5] >= 0.5 {
        let pause = logarithmic((place[5] - 0.5) / 0.5, 10_000...2_000_000)
        policy.pause = Nanoseconds(rawValue: Int64(pause))
      }
    }
  }

  /// Ranges of CLEAR of 64 pages and more; half of the points split eagerly, to any block size.
  private func drawMigration(_ policy: inout Policy) {
    if place[3] >= 0.2 {
      let low = setting.granule.pageShift + 6
      policy.clearRange = ByteCount(rawValue: 1 << Int64(low + pick(place[4], max(1, 34 - low))))
    }
    guard place[5] >= 0.5, setting.rules?.eagerSplit == true else { return }
    let blocks = setting.blockSizes
    policy.eagerSplit = blocks[pick((place[5] - 0.5) * 2, blocks.count)]
  }
}

/// A number whose logarithm is uniform in a range of positive numbers.
func logarithmic(_ coordinate: Double, _ range: ClosedRange<Double>) -> Double {
  range.lowerBound * pow(range.upperBound / range.lowerBound, coordinate)
}
