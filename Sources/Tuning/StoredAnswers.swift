// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
package import Operations
package import Profiles
import Scenarios

extension ProfileStore {
  /// The stored answers below each directory of models.
  package var answers: AnswerStore {
    AnswerStore(directories: directories.map { $0.appendingPathComponent("answers") })
  }
}

extension TuningTools {
  /// What answers with these tools.
  package var engine: Engine {
    Engine(simulator: Scenario.simulatorVersion, model: predictor?.identity)
  }

  /// The answer to a question: a stored verified one where there is one and none is asked for anew.
  package func answer(
    _ question: Question,
    _ loaded: LoadedSetup,
    _ store: ProfileStore,
    fresh: Bool
  ) throws(TuningError) -> Recommendation {
    let answers = loaded.layout == .mix && !fresh ? store.answers : nil
    return try Exporter(store: answers, engine: engine) { _ in self }.answer(question)
  }
}
