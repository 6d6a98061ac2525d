from trainlab.report.page import build as build
