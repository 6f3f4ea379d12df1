//! Rules, held to small issues.
