// SPDX-License-Identifier: GPL-3.0-or-later

// Tries a great many inputs on s2tune: `Fuzz/run` says how.

import Foundation

signal(SIGPIPE, SIG_IGN)
var campaign = Campaign(Array(CommandLine.arguments.dropFirst()))
exit(try campaign.run())
