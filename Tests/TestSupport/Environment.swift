// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// The value of an environment variable, or nil where it is not set.
public func environment(_ name: String) -> String? {
  ProcessInfo.processInfo.environment[name]
}
