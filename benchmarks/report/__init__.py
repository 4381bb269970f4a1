"""Leaderboard, page and figures of stored results."""
