// SPDX-License-Identifier: GPL-3.0-or-later

package import CostModels
import Foundation
package import Profiles
import Scenarios

/// The cost model that stands beside the profiles, if it goes with this simulator.
package enum ShippedModel: Sendable {
  /// There is none: answers come from runs alone.
  case none
  /// There is one, but of another simulator or feature set; the sentence says which.
  case stale(String)
  /// The model and the file it came from.
  case model(CostModel, file: String)

  /// The file a model has below a `models` directory.
  package static let path = "cost/standard.json"

  /// Finds the model in the directories of a store, the user's own first.
  ///
  /// A file that is no model, or of another schema, is refused with a sentence; one that was fitted
  /// to another simulator is stale, since its figures are of a machine that no longer exists.
  package init(in store: ProfileStore) throws(CostModelError) {
    guard let url = store.path(Self.path) else {
      self = .none
      return
    }
    guard let data = try? Data(contentsOf: url) else {
      throw .malformed(file: url.path, reason: "it cannot be read")
    }
    do throws(CostModelError) {
      let model = try CostModel(
        json: data,
        file: url.path,
        simulator: Scenario.simulatorVersion
      )
      self = .model(model, file: url.path)
    } catch {
      guard case .version(_, let quantity, _, _) = error, quantity != "schema version" else {
        throw error
      }
      self = .stale(error.description)
    }
  }
}
