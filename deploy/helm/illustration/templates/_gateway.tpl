{{- define "illustration.gateway" -}}
{{- $own := dict
  "HOST" "0.0.0.0"
  "GRPC_HOST" "0.0.0.0"
  "METRICS_HOST" "0.0.0.0"
  "METRICS_PORT" "9464"
  "WORKER_ADDRESS" "unix:/run/worker/worker.sock"
  "SHUTDOWN_GRACE_SECONDS" .Values.drain.gatewaySeconds }}
- name: gateway
  image: {{ .Values.images.gateway.repository }}:{{ .Values.images.gateway.tag | default .Chart.AppVersion }}
  imagePullPolicy: {{ .Values.images.pullPolicy }}
  ports:
    - name: http
      containerPort: 8000
    - name: grpc
      containerPort: 50052
    - name: metrics
      containerPort: 9464
  env:
    {{- include "illustration.env" (merge $own .Values.settings.gateway) | nindent 4 }}
  envFrom:
    - secretRef:
        name: {{ .Values.existingSecret }}
  startupProbe:
    httpGet:
      path: /health/startup
      port: http
    periodSeconds: 2
    timeoutSeconds: 2
    failureThreshold: 60
  livenessProbe:
    httpGet:
      path: /health/live
      port: http
    periodSeconds: 10
    timeoutSeconds: 3
    failureThreshold: 3
  readinessProbe:
    httpGet:
      path: /health/ready
      port: http
    periodSeconds: 2
    timeoutSeconds: 2
    failureThreshold: 2
  lifecycle:
    preStop:
      sleep:
        seconds: {{ .Values.drain.preStopSeconds }}
  resources:
    {{- toYaml .Values.resources.gateway | nindent 4 }}
  securityContext:
    runAsUser: 10001
    {{- include "illustration.confined" . | nindent 4 }}
  volumeMounts:
    - name: worker-socket
      mountPath: /run/worker
    - name: data
      mountPath: /data
    - name: gateway-tmp
      mountPath: /tmp
{{- end }}
