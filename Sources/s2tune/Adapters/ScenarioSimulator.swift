// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Policies
import Profiles
import Randomness
import Scenarios
import Tuning

/// The simulator as Tuning asks for it: one scenario a report.
struct ScenarioSimulator: PolicySimulator {
  /// The guest's tables from a dump; nil lays out the workload's own mix.
  var tables: StageTwo?

  func report(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    extent: RunExtent
  ) throws(TuningError) -> RunReport {
    var scenario = Scenario(
      host: question.host,
      kernel: question.kernel,
      workload: question.workload,
      policy: policy,
      seed: seed
    )
    scenario.tables = tables
    if extent == .window { scenario.extent = .window(Window()) }
    do throws(ScenarioError) {
      return try scenario.run()
    } catch {
      throw .simulation(error.description)
    }
  }
}
