{{/*
The worker as a native sidecar: it starts before the gateway and is stopped after it, so that jobs in flight can be
finished. The gateway starts as soon as the worker listens; the model is loaded meanwhile, and readiness waits for it.
*/}}
{{- define "illustration.worker" -}}
{{- $own := dict
  "WORKER_ADDRESS" "unix:/run/worker/worker.sock"
  "WORKER_METRICS_HOST" "0.0.0.0"
  "WORKER_METRICS_PORT" "9465"
  "SHUTDOWN_GRACE_SECONDS" .Values.drain.workerSeconds }}
{{- $gpu := dict .Values.gpu.resourceName "1" }}
- name: worker
  image: {{ .Values.images.worker.repository }}:{{ .Values.images.worker.tag | default .Chart.AppVersion }}
  imagePullPolicy: {{ .Values.images.pullPolicy }}
  restartPolicy: Always
  ports:
    - name: worker-metrics
      containerPort: 9465
  env:
    {{- include "illustration.env" (merge $own .Values.settings.worker) | nindent 4 }}
  startupProbe:
    exec:
      command: [python, -m, illustration_worker.rpc.healthcheck, --live]
    periodSeconds: 2
    timeoutSeconds: 5
    failureThreshold: 60
  livenessProbe:
    exec:
      command: [python, -m, illustration_worker.rpc.healthcheck, --live]
    periodSeconds: 30
    timeoutSeconds: 10
    failureThreshold: 3
  resources:
    requests:
      {{- toYaml (merge $gpu .Values.resources.worker.requests) | nindent 6 }}
    limits:
      {{- toYaml (merge (dict .Values.gpu.resourceName "1") .Values.resources.worker.limits) | nindent 6 }}
  securityContext:
    runAsUser: 10002
    {{- include "illustration.confined" . | nindent 4 }}
  volumeMounts:
    - name: worker-socket
      mountPath: /run/worker
    - name: models
      mountPath: /models
    - name: worker-tmp
      mountPath: /tmp
{{- end }}
