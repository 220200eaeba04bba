// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Operations
import PageTables
import Policies
package import Profiles
import Quantities
import Randomness

/// What a campaign is to make, in names and numbers: the same plan over the same profiles gives the same runs.
///
/// Without policies it is a draw over the policy space (`DesignSpace`); with policies it is every policy on every
/// host, kernel and workload, on common random numbers: replicate `n` has the same seed everywhere, so any two
/// of its runs can be compared as a pair.
package struct CampaignPlan: Hashable, Sendable, Codable {
  /// The campaign's name, which is its name in a store.
  package var name: String
  /// Names of host profiles.
  package var hosts: [String]
  /// Names of kernel profiles.
  package var kernels: [String]
  /// Names of workload profiles.
  package var workloads: [String]
  /// Policies over each setting's own, `baseline` for that one itself; none for a draw.
  package var policies: [String]
  /// Points of a draw; nothing to a grid.
  package var runs: Int
  /// Runs of each point.
  package var replicates: Int
  /// The seed of the design and of every run.
  package var seed: UInt64
  /// How much of each operation a run simulates.
  package var extent: CampaignExtent

  /// Creates a plan; a draw of windows, each once, unless more is said.
  package init(
    name: String,
    hosts: [String],
    kernels: [String],
    workloads: [String],
    policies: [String] = [],
    runs: Int,
    replicates: Int = 1,
    seed: UInt64,
    extent: CampaignExtent = .window
  ) {
    (self.name, self.hosts, self.kernels) = (name, hosts, kernels)
    (self.workloads, self.policies, self.runs) = (workloads, policies, runs)
    (self.replicates, self.seed, self.extent) = (replicates, seed, extent)
  }

  /// Whether the plan names its policies.
  package var isGrid: Bool { !policies.isEmpty }

  /// The word for a setting's own policy.
  package static let baseline = "baseline"

  /// The first quantity in which another plan differs, with both values; nil where none does.
  ///
  /// The name is none, and replicates that were added are none.
  package func difference(from other: Self) -> (quantity: String, found: String, expected: String)?
  {
    let pairs = [
      ("seed", "\(seed)", "\(other.seed)"),
      ("hosts", hosts.joined(separator: ","), other.hosts.joined(separator: ",")),
      ("kernels", kernels.joined(separator: ","), other.kernels.joined(separator: ",")),
      ("workloads", workloads.joined(separator: ","), other.workloads.joined(separator: ",")),
      ("policies", policies.joined(separator: " "), other.policies.joined(separator: " ")),
      ("runs", "\(isGrid ? 0 : runs)", "\(other.isGrid ? 0 : other.runs)"),
      ("extent", extent.rawValue, other.extent.rawValue),
    ]
    return pairs.first { $0.1 != $0.2 }
  }
}

/// How much of its operation a campaign's run simulates.
package enum CampaignExtent: String, Hashable, Sendable, Codable, CaseIterable {
  /// A window of the standard length, scaled to the whole: what cost models are fitted to.
  case window
  /// All of it, as `simulate` does.
  case whole
}

/// The profiles of a plan, loaded.
package struct PlannedProfiles: Hashable, Sendable {
  /// The hosts, in the plan's order.
  package let hosts: [HostProfile]
  /// The kernels, in the plan's order.
  package let kernels: [KernelProfile]
  /// The workloads, in the plan's order.
  package let workloads: [WorkloadProfile]

  /// Profiles that are loaded already.
  package init(hosts: [HostProfile], kernels: [KernelProfile], workloads: [WorkloadProfile]) {
    (self.hosts, self.kernels, self.workloads) = (hosts, kernels, workloads)
  }

  /// Loads the profiles of a plan.
  package init(of plan: CampaignPlan, from store: ProfileStore) throws(ProfileError) {
    hosts = try Self.load(plan.hosts, store)
    kernels = try Self.load(plan.kernels, store)
    workloads = try Self.load(plan.workloads, store)
  }

  private static func load<Content: Profile>(
    _ names: [String],
    _ store: ProfileStore
  ) throws(ProfileError) -> [Content] {
    var found: [Content] = []
    for name in names { found.append(try store.load(Content.self, named: name).profile) }
    return found
  }

  /// The space that a draw takes its points from.
  package var space: DesignSpace {
    DesignSpace(hosts: hosts, kernels: kernels, workloads: workloads)
  }

  /// A digest of every value of every profile.
  var digest: String {
    guard let host = hosts.first, let kernel = kernels.first, let workload = workloads.first else {
      return Digest.wide(of: "")
    }
    let setups =
      hosts.map { Setup(host: $0, kernel: kernel, workload: workload) }
      + kernels.map { Setup(host: host, kernel: $0, workload: workload) }
      + workloads.map { Setup(host: host, kernel: kernel, workload: $0) }
    return Digest.wide(of: setups.map(\.fingerprint).joined(separator: "\n"))
  }
}

extension CampaignPlan {
  /// The digest of the plan's points, whatever it is called and however often each is run.
  package func digest(over profiles: PlannedProfiles) -> String {
    let parts = [
      "\(seed)", policies.joined(separator: " "), "\(isGrid ? 0 : runs)", extent.rawValue,
      profiles.digest,
    ]
    return Digest.wide(of: parts.joined(separator: "\n"))
  }

  /// The points of the plan, the first replicate of all of them before the second of any.
  ///
  /// - Throws: `emptyDesign`, `tooFewPoints`, or `policy` for a text that is none. A policy that is impossible on
  ///   a kernel or host is left out there.
  package func points(over profiles: PlannedProfiles) throws(CampaignError) -> [DesignPoint] {
    let first =
      isGrid ? try gridPoints(profiles) : try profiles.space.points(runs, seed: Seed(seed))
    guard !first.isEmpty else { throw .emptyDesign(missing: "policy that is possible there") }
    var points = first
    for replicate in 1..<max(2, replicates) where replicate < replicates {
      for point in first {
        let own =
          isGrid
          ? Seed(seed).replicate(UInt64(replicate)) : Seed(point.seed).replicate(UInt64(replicate))
        points.append(point.repeated(index: points.count, seed: own.rawValue, replicate: replicate))
      }
    }
    return points
  }

  private func gridPoints(_ profiles: PlannedProfiles) throws(CampaignError) -> [DesignPoint] {
    if profiles.hosts.isEmpty { throw .emptyDesign(missing: "host") }
    if profiles.kernels.isEmpty { throw .emptyDesign(missing: "kernel") }
    if profiles.workloads.isEmpty { throw .emptyDesign(missing: "workload") }
    let common = Seed(seed).replicate(0).rawValue
    var points: [DesignPoint] = []
    for (group, workload) in profiles.workloads.enumerated() {
      for host in profiles.hosts {
        for kernel in profiles.kernels {
          let setup = Setup(host: host, kernel: kernel, workload: workload)
          for text in policies {
            guard let policy = try policy(text, in: setup) else { continue }
            points.append(
              DesignPoint(
                index: points.count,
                setup: setup,
                policy: policy,
                seed: common,
                group: group,
                asked: text
              )
            )
          }
        }
      }
    }
    return points
  }

  /// The policy of a text in a setting; nil where it is impossible there.
  private func policy(_ text: String, in setup: Setup) throws(CampaignError) -> Policy? {
    let (setting, own) = (setup.settingOfRuns, setup.setting.baseline)
    let policy: Policy
    do throws(PolicyError) {
      policy = text == Self.baseline ? own : try Policy(parsing: text, over: own)
    } catch {
      throw .policy(text: text, reason: error.description)
    }
    guard (try? policy.validate(in: setting)) != nil else { return nil }
    return policy.canonical(in: setting)
  }
}
