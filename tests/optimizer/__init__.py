"""The prefix optimizer."""
