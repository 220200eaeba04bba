// SPDX-License-Identifier: GPL-3.0-or-later

import GSLKit
package import Operations
import PageTables
package import Policies
package import Profiles
import Quantities
package import Randomness

/// One run to make: everything a scenario needs.
@dynamicMemberLookup
package struct DesignPoint: Hashable, Sendable {
  /// The place in the design.
  package let index: Int
  /// The host, the kernel and the workload, its memory and load varied around the profile's.
  package let setup: Setup
  /// The policy in its canonical form.
  package let policy: Policy
  /// The seed of the run.
  package let seed: UInt64
  /// The place of the workload's profile in the design: runs of one share a group.
  package let group: Int
  /// Which of the runs of the same point this is, from zero.
  package let replicate: Int
  /// The policy as a grid's plan names it; empty in a draw.
  package let asked: String

  /// Creates a point.
  package init(
    index: Int,
    setup: Setup,
    policy: Policy,
    seed: UInt64,
    group: Int = 0,
    replicate: Int = 0,
    asked: String = ""
  ) {
    self.index = index
    self.setup = setup
    self.policy = policy
    self.seed = seed
    self.group = group
    self.replicate = replicate
    self.asked = asked
  }

  /// The parts of the setup.
  package subscript<Part>(dynamicMember part: KeyPath<Setup, Part>) -> Part {
    setup[keyPath: part]
  }

  /// The same point at another place of the design and with another seed.
  package func copy(index: Int, seed: UInt64) -> DesignPoint {
    repeated(index: index, seed: seed, replicate: replicate)
  }

  /// The same point as another of its replicates.
  func repeated(index: Int, seed: UInt64, replicate: Int) -> DesignPoint {
    DesignPoint(
      index: index,
      setup: setup,
      policy: policy,
      seed: seed,
      group: group,
      replicate: replicate,
      asked: asked
    )
  }
}

/// What a campaign varies: profiles, the policy space, and memory and load around the profiles.
package struct DesignSpace: Hashable, Sendable {
  /// The hosts.
  package var hosts: [HostProfile]
  /// The kernels.
  package var kernels: [KernelProfile]
  /// The workloads.
  package var workloads: [WorkloadProfile]
  /// The least and the greatest memory as shares of the profile's.
  package var memoryShares: ClosedRange<Double> = 0.125...1
  /// The least and the greatest load as shares of the profile's.
  package var loadShares: ClosedRange<Double> = 0.2...1.1
  /// The share of points at the profile's own memory and load, where most questions are.
  package var profileShare = 0.4
  /// Whether knobs beyond chunk, flush and slice are varied.
  package var variesAllKnobs = true

  /// Creates a space over profiles.
  package init(hosts: [HostProfile], kernels: [KernelProfile], workloads: [WorkloadProfile]) {
    self.hosts = hosts
    self.kernels = kernels
    self.workloads = workloads
  }

  /// The dimensions of the Sobol sequence that the points are taken from.
  static let dimensions = 18

  /// The first `count` possible points of the space's Sobol sequence, shifted by the seed.
  ///
  /// Points whose policy is impossible in their setting are passed over, so the sequence is the
  /// same for every count. Throws `emptyDesign`, or `tooFewPoints` after forty tries a point.
  package func points(_ count: Int, seed: Seed) throws(CampaignError) -> [DesignPoint] {
    if hosts.isEmpty { throw .emptyDesign(missing: "host") }
    if kernels.isEmpty { throw .emptyDesign(missing: "kernel") }
    if workloads.isEmpty { throw .emptyDesign(missing: "workload") }
    var chance = seed.stream("design")
    let shift = (0..<Self.dimensions).map { _ in chance.uniform() }
    let tries = 40 * max(1, count)
    var points: [DesignPoint] = []
    do throws(GSLError) {
      var sequence = try Sobol(dimensions: Self.dimensions)
      for _ in 0..<tries where points.count < count {
        let place = zip(try sequence.next(), shift).map { coordinate, shift in
          (coordinate + shift).truncatingRemainder(dividingBy: 1)
        }
        if let point = point(points.count, place, seed) { points.append(point) }
      }
    } catch {
      throw .file(name: "the design", reason: "\(error)")
    }
    guard points.count == count else {
      throw .tooFewPoints(found: points.count, wanted: count, tried: tries)
    }
    return points
  }

  /// The point at a place of the unit cube, or nil where its policy is impossible.
  private func point(_ index: Int, _ place: [Double], _ seed: Seed) -> DesignPoint? {
    let host = hosts[pick(place[0], hosts.count)]
    let kernel = kernels[pick(place[1], kernels.count)]
    let group = pick(place[2], workloads.count)
    let workload = varied(workloads[group], host, place)
    let setup = Setup(host: host, kernel: kernel, workload: workload)
    let draw = PolicyDraw(
      place: Array(place[6...]),
      setting: setup.settingOfRuns,
      workload: workload
    )
    guard let policy = draw.policy(allKnobs: variesAllKnobs) else { return nil }
    return DesignPoint(
      index: index,
      setup: setup,
      policy: policy,
      seed: seed.replicate(UInt64(index)).rawValue,
      group: group
    )
  }

  /// A workload with its memory and its load moved, or as it is.
  private func varied(
    _ workload: WorkloadProfile,
    _ host: HostProfile,
    _ place: [Double]
  ) -> WorkloadProfile {
    guard place[5] >= profileShare else { return workload }
    var workload = workload
    let step = max(ByteCount.mebibytes(2), host.granule.smallestBlock)
    let share = logarithmic(place[3], memoryShares)
    let steps = Int64(Double(workload.memory.size.divided(roundedDownBy: step)) * share)
    workload.memory.size = step * max(1, steps)
    let load = loadShares.lowerBound + place[4] * (loadShares.upperBound - loadShares.lowerBound)
    let offered = Double(workload.network.offered.rawValue) * load
    workload.network.offered = BitRate(rawValue: Int64(offered))
    if let rate = workload.unmap.rate { workload.unmap.rate = max(1, Int(Double(rate) * load)) }
    return workload
  }
}

/// The index among `count` that a coordinate in [0, 1) stands for.
func pick(_ coordinate: Double, _ count: Int) -> Int {
  min(count - 1, Int(coordinate * Double(count)))
}
