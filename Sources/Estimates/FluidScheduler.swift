// SPDX-License-Identifier: GPL-3.0-or-later

import Operations

extension FairScheduler<Double> {
  /// Takes what a short warm-up did for what a long one does, where run times add up (CFS); the
  /// walker starts so much behind the others.
  mutating func stretch(by factor: Double, walker: Int, credit: Double) {
    guard !isEEVDF else { return }
    for index in entities.indices { entities[index].virtual *= factor }
    minimum = entities.map(\.virtual).max() ?? 0
    entities[walker].virtual = max(0, minimum - credit)
  }
}
