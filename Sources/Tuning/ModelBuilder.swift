// SPDX-License-Identifier: GPL-3.0-or-later

package import Campaigns
package import CostModels
import Foundation
import Observations
import Operations
package import Profiles
import Randomness
import Scenarios
import Synchronization

/// What a shipped cost model is made from: profiles, the number of runs and a seed.
///
/// The same specification gives the same bytes on the same machine, in debug and release, with any number
/// of workers, whether in one go or resumed.
package struct ModelSpecification: Hashable, Sendable {
  /// The model's name, which is also its file's.
  package var name: String
  /// Names of host profiles.
  package var hosts: [String]
  /// Names of kernel profiles.
  package var kernels: [String]
  /// Names of workload profiles.
  package var workloads: [String]
  /// Runs to make; half are fitted, a fifth gives the intervals, three tenths judge.
  package var runs: Int
  /// The seed of the design and of every run.
  package var seed: UInt64
  /// Runs that are added where the model of the design's runs asks for them.
  package var additions = 0
  /// When the model is made, as its file says it; the fit itself knows no clock.
  package var date = ""

  /// Creates a specification.
  package init(
    name: String,
    hosts: [String],
    kernels: [String],
    workloads: [String],
    runs: Int,
    seed: UInt64
  ) {
    self.name = name
    self.hosts = hosts
    self.kernels = kernels
    self.workloads = workloads
    self.runs = runs
    self.seed = seed
  }

  /// The plan of the design that the model is fitted to.
  package var plan: CampaignPlan {
    CampaignPlan(
      name: name,
      hosts: hosts,
      kernels: kernels,
      workloads: workloads,
      runs: runs,
      seed: seed
    )
  }

  /// The command that makes the same model again.
  package var command: String {
    let date = date.isEmpty ? "" : " --date \(date)"
    let active = additions == 0 ? "" : " --active \(additions)"
    return "s2tune fit --name \(name) --hosts \(hosts.joined(separator: ",")) --kernels "
      + "\(kernels.joined(separator: ",")) --workloads \(workloads.joined(separator: ",")) "
      + "--runs \(runs) --seed \(seed)\(active)\(date)"
  }
}

/// Makes a model from a specification: design, runs, fit.
package struct ModelBuilder: Sendable {
  /// The specification.
  package var specification: ModelSpecification
  /// Runs made at the same time; the model does not depend on it.
  package var workers = 2
  /// The effort of the fit.
  package var settings = FitSettings()
  private let profiles: ProfileStore

  /// Creates a builder that finds the specification's profiles in a store.
  package init(_ specification: ModelSpecification, profiles: ProfileStore) {
    self.specification = specification
    self.profiles = profiles
  }

  /// Makes the runs that the store does not have yet, and returns all of them with their digest.
  ///
  /// - Parameters:
  ///   - store: Where runs are kept; a run that is in it is not made again.
  ///   - progress: Called with how many runs are done, and of how many.
  /// - Returns: The runs in the order of the design, and their digest.
  /// - Throws: A sentence about the profile, the run or the store.
  package func makeRuns(
    into store: RunDatabase,
    progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
  ) throws(ModelError) -> (runs: [Observation], digest: String) {
    let plan = specification.plan
    let profiles = try planned()
    do throws(CampaignError) {
      let points = try plan.points(over: profiles)
      let design = try store.enter(plan, over: profiles, points: points)
      return try runs(of: design, points, in: store, progress: progress)
    } catch {
      throw .campaign(error)
    }
  }

  /// Makes the runs of points that no plan gives.
  func runs(
    of points: [DesignPoint],
    named name: String,
    into store: RunDatabase,
    progress: @escaping @Sendable (Int, Int) -> Void
  ) throws(ModelError) -> (runs: [Observation], digest: String) {
    do throws(CampaignError) {
      let design = try store.enter(points, named: name, seed: specification.seed, extent: .window)
      return try runs(of: design, points, in: store, progress: progress)
    } catch {
      throw .campaign(error)
    }
  }

  /// Makes what is left of a design; a model wants every run, so one that failed is an error.
  private func runs(
    of design: StoredDesign,
    _ points: [DesignPoint],
    in store: RunDatabase,
    progress: @escaping @Sendable (Int, Int) -> Void
  ) throws(CampaignError) -> (runs: [Observation], digest: String) {
    let done = Mutex(try store.tally(of: design)[.done])
    progress(done.withLock { $0 }, points.count)
    try store.run(
      design,
      points: points,
      extent: .window,
      by: LocalExecutor(workers: workers, extent: .window),
      progress: {
        progress(
          done.withLock { done in
            done += 1
            return done
          },
          points.count
        )
      }
    )
    if let failed = try store.failures(of: design, atMost: 1).first {
      throw .run(index: failed.index, reason: failed.reason)
    }
    return (try store.observations(of: design), try store.digest(of: design))
  }

  /// Makes the runs and fits every response that they have.
  ///
  /// - Parameters:
  ///   - store: Where runs are kept; a run that is in it is not made again.
  ///   - progress: Called with how many runs are done, and of how many.
  /// - Returns: The model, with its error on runs that no fit has seen.
  /// - Throws: A sentence about the profile, the run, the store or the fit.
  package func makeModel(
    runsIn store: RunDatabase,
    progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
  ) async throws(ModelError) -> CostModel {
    let (runs, digest) = try makeRuns(into: store, progress: progress)
    let split = SplitRuns(runs)
    let model = try await fit(split, digest)
    guard specification.additions > 0 else { return model }
    let points = try ModelTrial(model, builder: self).additions(specification.additions).map(
      \.point
    )
    let added = try self.runs(
      of: points,
      named: "\(specification.name)-active",
      into: store,
      progress: progress
    )
    // What was asked for is no sample of the design: it is fitted, and judges nothing.
    return try await fit(
      SplitRuns(
        fitting: split.fitting + added.runs,
        calibrating: split.calibrating,
        held: split.held
      ),
      "\(digest) \(added.digest)"
    )
  }

  private func fit(_ runs: SplitRuns, _ digest: String) async throws(ModelError) -> CostModel {
    do throws(CostModelError) {
      return try await CostModel.fit(
        runs,
        responses: Response.allCases,
        origin: origin(digest),
        settings: settings,
        leavesOut: true
      )
    } catch {
      throw .fit(error)
    }
  }

  /// The points of the specification's design.
  func points() throws(ModelError) -> [DesignPoint] {
    let profiles = try planned()
    do throws(CampaignError) {
      return try specification.plan.points(over: profiles)
    } catch {
      throw .campaign(error)
    }
  }

  /// What the specification's design covers.
  func space() throws(ModelError) -> DesignSpace { try planned().space }

  /// The specification's profiles.
  private func planned() throws(ModelError) -> PlannedProfiles {
    do throws(ProfileError) {
      return try PlannedProfiles(of: specification.plan, from: profiles)
    } catch {
      throw .profile(error)
    }
  }

  private var activeDesign: String {
    specification.additions == 0
      ? ""
      : "; \(specification.additions) more where intervals are widest, near fronts and near limits"
  }

  private func origin(_ digest: String) -> ModelOrigin {
    ModelOrigin(
      name: specification.name,
      design: "Sobol sequence over the policy space, \(specification.hosts.count) hosts, "
        + "\(specification.kernels.count) kernels and \(specification.workloads.count) workloads; memory "
        + "1/8 to 1 and load 0.2 to 1.1 of the profiles'; windowed runs" + activeDesign,
      seed: specification.seed,
      simulator: Scenario.simulatorVersion,
      runsDigest: digest,
      date: specification.date,
      rebuild: specification.command
    )
  }
}

extension RunDatabase {
  /// The finished runs of a design as a fit sees them, in its order.
  package func observations(of design: StoredDesign) throws(CampaignError) -> [Observation] {
    var found: [Observation] = []
    try forEachRun(of: design) {
      found.append(Observation(features: $0.features, numbers: $0.numbers, group: $0.group))
    }
    return found
  }
}

/// Why a model cannot be made.
package enum ModelError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A profile cannot be loaded.
  case profile(ProfileError)
  /// The design, a run or the run store failed.
  case campaign(CampaignError)
  /// The runs cannot be fitted.
  case fit(CostModelError)

  /// The sentence of the room it comes from.
  package var description: String {
    switch self {
    case .profile(let error): "\(error)"
    case .campaign(let error): error.description
    case .fit(let error): error.description
    }
  }
}
