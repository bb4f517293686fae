"""Boards, phones and this machine: measurement, accuracy and reports."""
